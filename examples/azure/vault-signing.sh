#!/usr/bin/env bash
# A certificate that keeps the rules of the Notary Project, and an identity that may sign with its key and do nothing else. Who runs this makes the role
# and the certificate: Owner or User Access Administrator of the subscription, and Key Vault Certificates Officer of the vault.
#   OBJECT_ID=… VAULT=example-vault CERTIFICATE=image-signing ./vault-signing.sh
set -euo pipefail
: "${OBJECT_ID:?of the service principal or managed identity}" "${VAULT:?name of the vault}" "${CERTIFICATE:?its name}"
cd "$(dirname "$0")"

az keyvault certificate create --vault-name "$VAULT" --name "$CERTIFICATE" --policy @signing-policy.json
az keyvault certificate download --vault-name "$VAULT" --name "$CERTIFICATE" --encoding PEM --file "$CERTIFICATE.pem"

USES_ROLES=$(az keyvault show --name "$VAULT" --query properties.enableRbacAuthorization --output tsv)
if [ "$USES_ROLES" = true ]; then
  # No built-in role is as small: Key Vault Crypto User also encrypts, decrypts and changes keys, Key Vault Certificate User reads secrets.
  role_id() { az role definition list --name "Image Custody Signer" --query "[0].id" --output tsv; }
  if [ -z "$(role_id)" ]; then
    SUBSCRIPTION=$(az account show --query id --output tsv)
    az role definition create --role-definition "$(sed "s|SUBSCRIPTION\"|$SUBSCRIPTION\"|" signing-role.json)"
    # It can be assigned once it has spread.
    until [ -n "$(role_id)" ]; do sleep 5; done
  fi
  SCOPE=$(az keyvault show --name "$VAULT" --query id --output tsv)
  for OBJECT in "certificates/$CERTIFICATE" "keys/$CERTIFICATE"; do
    az role assignment create --role "Image Custody Signer" --assignee-object-id "$OBJECT_ID" --assignee-principal-type ServicePrincipal --scope "$SCOPE/$OBJECT"
  done
else
  az keyvault set-policy --name "$VAULT" --object-id "$OBJECT_ID" --certificate-permissions get --key-permissions sign
fi
echo "$CERTIFICATE.pem is what verifiers trust."
