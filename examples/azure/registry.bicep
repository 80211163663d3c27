// The identity may push to a registry, or only pull: one repository of it where the registry has ABAC repository permissions, else all.
//   az deployment group create --resource-group images --template-file registry.bicep --parameters objectId=… registryName=example repository=team/app
targetScope = 'resourceGroup'

@description('Of the service principal or managed identity.')
param objectId string

param registryName string

@description('The one repository; it counts where isAbac is true.')
param repository string = ''

@description('az acr show --name NAME --query roleAssignmentMode says AbacRepositoryPermissions.')
param isAbac bool = false

@allowed(['push', 'pull'])
param access string = 'push'

var roles = {
  push: '8311e382-0749-4cb8-b61a-304f252e45ec' // AcrPush
  pull: '7f951dda-4ed3-4680-a7ca-43fe172d538d' // AcrPull
}
var abacRoles = {
  push: '2a1e307c-b015-4ebd-883e-5b7698a07328' // Container Registry Repository Writer
  pull: 'b93aa761-3e63-49ed-ac28-beffa264f7ac' // Container Registry Repository Reader
}
var role = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', isAbac ? abacRoles[access] : roles[access])
var base = 'Microsoft.ContainerRegistry/registries/repositories'
var condition = '((!(ActionMatches{\'${base}/content/read\'}) AND !(ActionMatches{\'${base}/content/write\'}) AND !(ActionMatches{\'${base}/metadata/read\'}) AND !(ActionMatches{\'${base}/metadata/write\'})) OR (@Request[${base}:name] StringEqualsIgnoreCase \'${repository}\'))'

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: registryName
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, objectId, role, repository)
  properties: {
    principalId: objectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role
    condition: isAbac ? condition : null
    conditionVersion: isAbac ? '2.0' : null
  }
}
