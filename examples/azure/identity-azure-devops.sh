#!/usr/bin/env bash
# An application that one service connection of Azure DevOps stands for, without a secret. Make the connection first: Azure Resource Manager, App
# registration (manual), workload identity federation; save it as a draft. Its page shows what this script asks Azure DevOps for.
#   ORGANIZATION=https://dev.azure.com/contoso PROJECT=Shop CONNECTION_ID=… CLIENT_ID=… ./identity-azure-devops.sh
# New connections have Entra ID as issuer (https://login.microsoftonline.com/TENANT/v2.0, subject /eid1/c/pub/t/…/sc/ORGANIZATION/CONNECTION), older ones
# Azure DevOps (https://vstoken.dev.azure.com/ORGANIZATION, subject sc://ORGANIZATION/PROJECT/CONNECTION). So neither is made up here.
set -euo pipefail
: "${ORGANIZATION:?URL of the organization}" "${PROJECT:?name of the project}" "${CONNECTION_ID:?id of the service connection}" "${CLIENT_ID:?of the application}"

connection() {
  az devops service-endpoint show --organization "$ORGANIZATION" --project "$PROJECT" --id "$CONNECTION_ID" --query "authorization.parameters.$1" --output tsv
}
ISSUER=$(connection workloadIdentityFederationIssuer)
SUBJECT=$(connection workloadIdentityFederationSubject)
az ad app federated-credential create --id "$CLIENT_ID" --parameters "{
  \"name\": \"azure-devops\",
  \"issuer\": \"${ISSUER}\",
  \"subject\": \"${SUBJECT}\",
  \"audiences\": [\"api://AzureADTokenExchange\"]
}"
OBJECT_ID=$(az ad sp show --id "$CLIENT_ID" --query id --output tsv)

echo "OBJECT_ID=$OBJECT_ID, for the other scripts"
