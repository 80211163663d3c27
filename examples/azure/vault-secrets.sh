#!/usr/bin/env bash
# The identity may read these secrets of a vault, and nothing else there.
#   OBJECT_ID=… VAULT=example-vault ./vault-secrets.sh registry-password other-secret
set -euo pipefail
: "${OBJECT_ID:?of the service principal or managed identity}" "${VAULT:?name of the vault}" "${1:?names of secrets}"

USES_ROLES=$(az keyvault show --name "$VAULT" --query properties.enableRbacAuthorization --output tsv)
if [ "$USES_ROLES" = true ]; then
  SCOPE=$(az keyvault show --name "$VAULT" --query id --output tsv)
  for SECRET in "$@"; do
    az role assignment create --role "Key Vault Secrets User" --assignee-object-id "$OBJECT_ID" --assignee-principal-type ServicePrincipal \
      --scope "$SCOPE/secrets/$SECRET"
  done
else
  # An access policy is for all secrets of the vault: give the pipeline a vault of its own.
  az keyvault set-policy --name "$VAULT" --object-id "$OBJECT_ID" --secret-permissions get
fi
