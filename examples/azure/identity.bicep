// A managed identity that a workflow of GitHub, or a service connection of Azure DevOps, stands for without a secret.
//   az deployment group create --resource-group ci --template-file identity.bicep --parameters githubRepository=contoso/shop githubSubject=ref:refs/heads/main
// An application in place of a managed identity takes the Microsoft Graph extension of Bicep, or identity-github.sh.
targetScope = 'resourceGroup'

param location string = resourceGroup().location

@description('Name of the identity.')
param name string = 'image-custody'

@description('OWNER/NAME; empty for none.')
param githubRepository string = ''

@description('ref:refs/heads/BRANCH, ref:refs/tags/TAG, pull_request or environment:NAME. Case counts.')
param githubSubject string = 'ref:refs/heads/main'

@description('Issuer that the service connection shows; empty for none.')
param devopsIssuer string = ''

@description('Subject that the service connection shows.')
param devopsSubject string = ''

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
}

resource github 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(githubRepository)) {
  parent: identity
  name: 'github'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    subject: 'repo:${githubRepository}:${githubSubject}'
    audiences: ['api://AzureADTokenExchange']
  }
}

resource devops 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = if (!empty(devopsIssuer)) {
  parent: identity
  name: 'azure-devops'
  properties: {
    issuer: devopsIssuer
    subject: devopsSubject
    audiences: ['api://AzureADTokenExchange']
  }
  // Credentials of one identity are written one after the other.
  dependsOn: [github]
}

output tenantId string = identity.properties.tenantId
output clientId string = identity.properties.clientId
output objectId string = identity.properties.principalId
