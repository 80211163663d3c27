#!/usr/bin/env bash
# The identity may push to a registry: to one repository where the registry has ABAC repository permissions, else to all.
#   OBJECT_ID=… REGISTRY=example REPOSITORY=team/app ./registry-push.sh
# ACCESS=pull: it may only pull.
set -euo pipefail
: "${OBJECT_ID:?of the service principal or managed identity}" "${REGISTRY:?name of the registry}" "${REPOSITORY:?one repository}"
ACCESS=${ACCESS:-push}

SCOPE=$(az acr show --name "$REGISTRY" --query id --output tsv)
MODE=$(az acr show --name "$REGISTRY" --query roleAssignmentMode --output tsv)
if [ "$MODE" = AbacRepositoryPermissions ]; then
  # Such a registry honours neither AcrPush nor AcrPull.
  case $ACCESS in
    push) ROLE="Container Registry Repository Writer" ;;
    *) ROLE="Container Registry Repository Reader" ;;
  esac
  BASE=Microsoft.ContainerRegistry/registries/repositories
  CONDITION="((!(ActionMatches{'$BASE/content/read'}) AND !(ActionMatches{'$BASE/content/write'}) AND !(ActionMatches{'$BASE/metadata/read'}) AND !(ActionMatches{'$BASE/metadata/write'})) OR (@Request[$BASE:name] StringEqualsIgnoreCase '$REPOSITORY'))"
  az role assignment create --role "$ROLE" --assignee-object-id "$OBJECT_ID" --assignee-principal-type ServicePrincipal --scope "$SCOPE" \
    --condition "$CONDITION" --condition-version 2.0
else
  case $ACCESS in
    push) ROLE=AcrPush ;;
    *) ROLE=AcrPull ;;
  esac
  az role assignment create --role "$ROLE" --assignee-object-id "$OBJECT_ID" --assignee-principal-type ServicePrincipal --scope "$SCOPE"
fi
