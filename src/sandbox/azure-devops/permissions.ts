import type { Answer, ReceivedRequest, Route } from '../exchange.ts';
import { toDevopsRefusal } from './refusal.ts';
import { type DevopsService, identify, toList } from './service.ts';

/** https://learn.microsoft.com/azure/devops/organizations/security/namespace-reference: "Git Repositories". */
const gitNamespace = '2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87';
const contributeBit = 16_384;

/** https://learn.microsoft.com/rest/api/azure/devops/security/permissions/has-permissions */
export const permissionRoutes: readonly Route<DevopsService>[] = [
  { method: 'GET', path: /^\/[^/]+\/_apis\/permissions\/(?<namespace>[^/]+)\/(?<permissions>\d+)$/i, handle: hasPermissions },
];

/** Of the repository all may read, and who may contribute has that bit; nobody has another one, or any elsewhere. */
function hasPermissions(service: DevopsService, request: ReceivedRequest, parameters: Readonly<Record<string, string>>): Answer {
  const { mayContribute } = identify(service, request);
  const { namespace = '', permissions = '' } = parameters;
  if (namespace.toLowerCase() !== gitNamespace) {
    const message = `The security namespace ${namespace} does not exist.`;
    throw toDevopsRefusal(404, 'InvalidSecurityNamespaceException', message, {}, 'Microsoft.TeamFoundation.Framework.Server');
  }
  const own = `repoV2/${service.project.id}/${service.repository.id}`;
  const tokens = (request.url.searchParams.get('tokens') ?? '').split(request.url.searchParams.get('delimiter') ?? ',');
  return toList(tokens.map((token) => token === own && Number(permissions) === contributeBit && mayContribute));
}
