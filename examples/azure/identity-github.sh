#!/usr/bin/env bash
# An application that the workflows of one GitHub repository stand for, without a secret.
#   REPOSITORY=contoso/shop SUBJECT=ref:refs/heads/main ./identity-github.sh
# SUBJECT: ref:refs/heads/BRANCH, ref:refs/tags/TAG, pull_request, or environment:NAME (the tightest, with reviewers). Case counts.
set -euo pipefail
: "${REPOSITORY:?OWNER/NAME}" "${SUBJECT:?what of it may sign in}"

CLIENT_ID=$(az ad app create --display-name "image-custody ${REPOSITORY}" --query appId --output tsv)
OBJECT_ID=$(az ad sp create --id "$CLIENT_ID" --query id --output tsv)
az ad app federated-credential create --id "$CLIENT_ID" --parameters "{
  \"name\": \"github\",
  \"issuer\": \"https://token.actions.githubusercontent.com\",
  \"subject\": \"repo:${REPOSITORY}:${SUBJECT}\",
  \"audiences\": [\"api://AzureADTokenExchange\"]
}"
TENANT_ID=$(az account show --query tenantId --output tsv)

echo "azure-tenant-id: $TENANT_ID"
echo "azure-client-id: $CLIENT_ID"
echo "OBJECT_ID=$OBJECT_ID, for the other scripts"
