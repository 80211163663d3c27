import type { ReceivedRequest } from '../exchange.ts';
import { toDevopsRefusal } from './refusal.ts';

/** The newest version that is not a preview, and the newest of all. */
const released = 7.1;
const latest = 7.2;

const namespace = 'Microsoft.VisualStudio.Services.WebApi';

/**
 * Refuses a version as the service does: one is required of every request that is no GET, in the query or the Accept header, and previews
 * have to be asked for by name. https://learn.microsoft.com/azure/devops/integrate/concepts/rest-api-versioning
 */
export function verifyApiVersion(request: ReceivedRequest, isPreviewOnly: boolean): void {
  const given = request.url.searchParams.get('api-version') ?? /api-version=([^;,\s]+)/.exec(request.headers.accept ?? '')?.[1];
  if (given === undefined) {
    if (request.method === 'GET') {
      return;
    }
    throw refuse(
      'VssVersionNotSpecifiedException',
      `No api-version was supplied for the "${request.method}" request. The version must be supplied either as part of the Accept header (e.g. "application/json; api-version=1.0") or as a query parameter (e.g. "?api-version=1.0").`,
    );
  }
  const match = /^(?<version>\d+\.\d+)(?<preview>-preview(?:\.\d+)?)?$/.exec(given);
  const version = match?.groups?.version;
  if (version === undefined) {
    throw refuse('VssInvalidApiResourceVersionException', `The API resource location cannot be used with the api-version "${given}".`);
  }
  if (Number(version) > latest) {
    const supported = `The latest REST API version this server supports is ${latest}.`;
    throw refuse(
      'VssVersionOutOfRangeException',
      `The requested REST API version of ${version} is out of range for this server. ${supported}`,
    );
  }
  if (match?.groups?.preview === undefined && (isPreviewOnly || Number(version) > released)) {
    const hint = `The -preview flag must be supplied in the api-version for such requests. For example: "${version}-preview"`;
    throw refuse('VssInvalidPreviewVersionException', `The requested version "${version}" of the resource is under preview. ${hint}`);
  }
}

function refuse(typeKey: string, message: string): Error {
  return toDevopsRefusal(400, typeKey, message, {}, namespace);
}
