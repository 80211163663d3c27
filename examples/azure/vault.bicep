// What the identity may do in a vault with roles: read the named secrets, and sign with the named certificate. Nothing else.
//   az deployment group create --resource-group keys --template-file vault.bicep --parameters objectId=… vaultName=example-vault certificateName=image-signing
targetScope = 'resourceGroup'

@description('Of the service principal or managed identity.')
param objectId string

param vaultName string

@description('Secrets that the step reads (input secrets).')
param secretNames array = []

@description('Certificate that it signs with (input signing-key); empty for none. It has to be there: vault-signing.sh makes it.')
param certificateName string = ''

var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6') // Key Vault Secrets User

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource secrets 'Microsoft.KeyVault/vaults/secrets@2023-07-01' existing = [for secretName in secretNames: {
  parent: vault
  name: secretName
}]

resource readSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (secretName, index) in secretNames: {
  scope: secrets[index]
  name: guid(vault.id, 'secrets', secretName, objectId, secretsUser)
  properties: {
    principalId: objectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: secretsUser
  }
}]

resource key 'Microsoft.KeyVault/vaults/keys@2023-07-01' existing = if (!empty(certificateName)) {
  parent: vault
  name: empty(certificateName) ? 'none' : certificateName
}

// No built-in role is as small: Key Vault Crypto User also encrypts, decrypts and changes keys, Key Vault Certificate User reads secrets.
resource signer 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(certificateName)) {
  name: guid(resourceGroup().id, 'Image Custody Signer')
  properties: {
    roleName: 'Image Custody Signer (${resourceGroup().name})'
    description: 'Signs with keys of a Key Vault, and nothing else.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: ['Microsoft.KeyVault/vaults/keys/sign/action']
        notDataActions: []
      }
    ]
  }
}

resource certificateReader 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(certificateName)) {
  name: guid(resourceGroup().id, 'Image Custody Certificate Reader')
  properties: {
    roleName: 'Image Custody Certificate Reader (${resourceGroup().name})'
    description: 'Reads certificates of a Key Vault without their private keys, and nothing else.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: ['Microsoft.KeyVault/vaults/certificates/read']
        notDataActions: []
      }
    ]
  }
}

resource sign 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(certificateName)) {
  scope: key
  name: guid(vault.id, 'sign', certificateName, objectId)
  properties: {
    principalId: objectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: signer.id
  }
}

// Resource Manager knows no certificates below a vault, so this is for all of them. vault-signing.sh gives it for the one.
resource readCertificate 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(certificateName)) {
  scope: vault
  name: guid(vault.id, 'certificates', objectId)
  properties: {
    principalId: objectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: certificateReader.id
  }
}
