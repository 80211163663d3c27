import { dockerHub, type RegistryAddress } from './reference.ts';
import { RegistryError } from './registry-error.ts';

/** Token services that are known to issue the tokens of a registry at another host, by the registry's name. */
const knownTokenHosts: Readonly<Record<string, string>> = {
  [dockerHub]: 'auth.docker.io',
  'registry.gitlab.com': 'gitlab.com',
  'registry.digitalocean.com': 'api.digitalocean.com',
};

export interface Realm {
  readonly url: URL;
  /** The registry itself; else a host that only public addresses may answer for where the registry is public. */
  readonly isRegistry: boolean;
}

/**
 * Decides where a token may be asked for. The realm is the word of a server: a credential goes to the registry's own host, to a token
 * service that is known to be its, or to one that the user lists; never to http where the registry is https, never with a user in the URL.
 */
export function verifyRealm(registry: RegistryAddress, text: string, tokenHosts: readonly string[], hasCredential: boolean): Realm {
  if (!URL.canParse(text)) throw withheld(registry, 'a token service whose address cannot be read');
  const url = new URL(text);
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && registry.origin.protocol === 'http:');
  if (!isSecure) throw withheld(registry, `the token service ${url.protocol}//${url.host}, which is not https`);
  if (url.username !== '' || url.password !== '') throw withheld(registry, `the token service ${url.host}, with a user in its address`);
  const isRegistry = url.host === registry.origin.host;
  const isKnown = isRegistry || knownTokenHosts[registry.name] === url.host || tokenHosts.includes(url.host);
  if (!isKnown && hasCredential) throw withheld(registry, `the token service ${url.host}, which is not known to be its`);
  return { url, isRegistry };
}

function withheld(registry: RegistryAddress, what: string): RegistryError {
  return new RegistryError({
    code: 'credential-withheld',
    message: `did not send the credential for ${registry.name}: it asks for it at ${what}`,
    hint: `Check that ${registry.name} is the registry that you mean. If its token service is at another host, name that in registry-token-host: ${registry.name}=HOST.`,
  });
}
