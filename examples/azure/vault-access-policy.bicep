// The same in a vault with access policies, which are for all objects of the vault: give the pipeline a vault of its own.
//   az deployment group create --resource-group keys --template-file vault-access-policy.bicep --parameters objectId=… vaultName=example-vault
targetScope = 'resourceGroup'

@description('Of the service principal or managed identity.')
param objectId string

param vaultName string

@description('The step reads secrets (input secrets).')
param readsSecrets bool = false

@description('The step signs with a certificate of the vault (input signing-key).')
param signs bool = true

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource policy 'Microsoft.KeyVault/vaults/accessPolicies@2023-07-01' = {
  parent: vault
  name: 'add'
  properties: {
    accessPolicies: [
      {
        tenantId: subscription().tenantId
        objectId: objectId
        permissions: {
          secrets: readsSecrets ? ['get'] : []
          certificates: signs ? ['get'] : []
          keys: signs ? ['sign'] : []
        }
      }
    ]
  }
}
