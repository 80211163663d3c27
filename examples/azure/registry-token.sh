#!/usr/bin/env bash
# A token for one repository of a registry, for runners without an identity of Entra ID: user name and password, the password in a vault.
#   REGISTRY=example REPOSITORY=team/app VAULT=example-vault ./registry-token.sh
set -euo pipefail
: "${REGISTRY:?name of the registry}" "${REPOSITORY:?one repository}" "${VAULT:?name of the vault}"
NAME=image-custody

# Signatures and bills of materials are content. Without content/delete the step cannot delete, and need not.
az acr scope-map create --registry "$REGISTRY" --name "$NAME" --repository "$REPOSITORY" content/read content/write metadata/read
az acr token create --registry "$REGISTRY" --name "$NAME" --scope-map "$NAME" --no-passwords true
PASSWORD=$(az acr token credential generate --registry "$REGISTRY" --name "$NAME" --password1 --expiration-in-days 90 --query "passwords[0].value" --output tsv)
# By a file, for the arguments of a program are seen by all users of a machine.
FILE=$(mktemp)
trap 'rm -f "$FILE"' EXIT
printf %s "$PASSWORD" >"$FILE"
az keyvault secret set --vault-name "$VAULT" --name registry-password --file "$FILE" --encoding utf-8 --expires "$(date -u -d '+90 days' +%Y-%m-%dT%H:%M:%SZ)" --query id --output tsv

echo "registry-username: $NAME"
echo "secrets: REGISTRY_PASSWORD = registry-password"
