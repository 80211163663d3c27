#!/usr/bin/env bash
# A managed identity for self-hosted runners on one virtual machine: no application, no secret, no right in Entra ID is needed.
#   RESOURCE_GROUP=ci IDENTITY=image-custody VM=runner-1 ./identity-managed.sh
# The step takes it with azure-identity: managed-identity, and azure-client-id where the machine has several. Every process of the machine can be it.
set -euo pipefail
: "${RESOURCE_GROUP:?its name}" "${IDENTITY:?name of the identity}" "${VM:?name of the virtual machine}"

IDENTITY_ID=$(az identity create --resource-group "$RESOURCE_GROUP" --name "$IDENTITY" --query id --output tsv)
az vm identity assign --resource-group "$RESOURCE_GROUP" --name "$VM" --identities "$IDENTITY_ID"

CLIENT_ID=$(az identity show --ids "$IDENTITY_ID" --query clientId --output tsv)
OBJECT_ID=$(az identity show --ids "$IDENTITY_ID" --query principalId --output tsv)
echo "azure-client-id: $CLIENT_ID"
echo "OBJECT_ID=$OBJECT_ID, for the other scripts"
