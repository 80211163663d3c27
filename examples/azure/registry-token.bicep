// A token for one repository of a registry. Its password is made afterwards, for a template would show it: registry-token.sh has the commands.
//   az deployment group create --resource-group images --template-file registry-token.bicep --parameters registryName=example repository=team/app
targetScope = 'resourceGroup'

param registryName string

@description('The one repository.')
param repository string

param name string = 'image-custody'

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: registryName
}

resource scopeMap 'Microsoft.ContainerRegistry/registries/scopeMaps@2023-07-01' = {
  parent: registry
  name: name
  properties: {
    description: 'What image-custody needs to push ${repository}'
    actions: [
      'repositories/${repository}/content/read'
      'repositories/${repository}/content/write'
      'repositories/${repository}/metadata/read'
    ]
  }
}

// Deployed again it loses its passwords: make new ones then (github.com/Azure/acr, issue 667).
resource token 'Microsoft.ContainerRegistry/registries/tokens@2023-07-01' = {
  parent: registry
  name: name
  properties: {
    scopeMapId: scopeMap.id
    status: 'enabled'
  }
}
