import type { CanaryWorld } from '../canary/world.ts';

/** What is another thing in every run, by the name that documents give it. */
export function toNeutral(text: string, { place, names: hosts }: CanaryWorld): string {
  const { sandbox, folder } = place;
  const { identity } = sandbox;
  const names: readonly (readonly [string | RegExp, string])[] = [
    [identity.tenantId, 'TENANT_ID'],
    [identity.clientId, 'CLIENT_ID'],
    [identity.objectId, 'OBJECT_ID'],
    [identity.connectionId, 'CONNECTION_ID'],
    ...hosts,
    [new RegExp(`${folder}(?:/[a-z-]+-[A-Za-z0-9]{6}|/run-\\d+)?`, 'g'), 'FOLDER'],
    [/sha256:[0-9a-f]{64}/g, 'DIGEST'],
    [/\b[0-9A-F]{40}(?:[0-9A-F]{24})?\b/gi, 'THUMBPRINT'],
    [/\b[0-9a-f]{32}\b/g, 'VERSION'],
    [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'ID'],
    [/127\.0\.0\.1:\d+/g, 'HOST'],
    [/\d{4}-\d\d-\d\d[T ][\d:.]+Z/g, 'TIME'],
  ];
  return names.reduce((neutral, [value, name]) => neutral.replaceAll(value, name), text);
}
