import { SecretValue } from '../lib/secret-value.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson, StrictJsonError } from '../lib/strict-json.ts';
import type { RegistryCredential } from './credential.ts';
import { dockerHub } from './reference.ts';
import { RegistryError } from './registry-error.ts';

/**
 * The credential that Docker's config.json holds for a registry (`auths`), undefined where it has none. Credential helpers are programs
 * and are not run: where only one of them knows the registry, that is an error that says so. `fileName` is for messages.
 * https://github.com/docker/cli/blob/v29.0.0/cli/config/configfile/file.go
 */
export function parseDockerConfig(bytes: Uint8Array, registry: string, fileName: string): RegistryCredential | undefined {
  const config = readConfig(bytes, fileName);
  const auths = config.auths;
  const entry = isJsonObject(auths) ? findEntry(auths, registry) : undefined;
  const credential = entry === undefined ? undefined : toCredential(entry, registry, fileName);
  if (credential !== undefined) return credential;
  const helpers = config.credHelpers;
  const helper =
    (isJsonObject(helpers) ? findEntry(helpers, registry) : undefined) ?? (entry === undefined ? undefined : config.credsStore);
  if (typeof helper !== 'string' || helper === '') return undefined;
  throw invalid(fileName, `the credential for ${registry} is kept by the helper program "docker-credential-${helper}", which is not run`);
}

function readConfig(bytes: Uint8Array, fileName: string): JsonObject {
  try {
    const value = parseStrictJson(bytes, { maxBytes: 1024 * 1024, maps: ['auths', 'credHelpers', 'HttpHeaders', 'plugins', 'aliases'] });
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (error instanceof StrictJsonError) throw invalid(fileName, error.message);
    throw error;
  }
  throw invalid(fileName, 'it is not a JSON object');
}

/** Keys are host names, or URLs as old versions of Docker wrote them. */
function findEntry(entries: JsonObject, registry: string): JsonValue | undefined {
  const names = registry === dockerHub ? [dockerHub, 'index.docker.io', 'registry-1.docker.io'] : [registry];
  const exact = names.map((name) => entries[name]).find((entry) => entry !== undefined);
  if (exact !== undefined) return exact;
  const [, value] = Object.entries(entries).find(([key]) => names.includes(toHost(key))) ?? [];
  return value;
}

function toHost(key: string): string {
  return (
    key
      .replace(/^https?:\/\//, '')
      .split('/', 1)[0]
      ?.toLowerCase() ?? ''
  );
}

function toCredential(entry: JsonValue, registry: string, fileName: string): RegistryCredential | undefined {
  if (!isJsonObject(entry)) throw invalid(fileName, `the entry for ${registry} is not an object`);
  const { auth, identitytoken, username, password } = entry;
  if (typeof identitytoken === 'string' && identitytoken !== '') return { kind: 'identity-token', token: new SecretValue(identitytoken) };
  if (typeof auth === 'string' && auth !== '') return fromAuth(auth, registry, fileName);
  if (typeof username === 'string' && username !== '' && typeof password === 'string') {
    return { kind: 'password', username, password: new SecretValue(password) };
  }
  return undefined;
}

/** base64 of `user:password`; padding NULs are Docker's. The value is a secret and is never quoted. */
function fromAuth(auth: string, registry: string, fileName: string): RegistryCredential {
  const decoded = /^[A-Za-z0-9+/]+={0,2}$/.test(auth) ? Buffer.from(auth, 'base64').toString('utf8') : '';
  const colon = decoded.indexOf(':');
  if (colon < 1) throw invalid(fileName, `"auth" of ${registry} is not base64 of USER:PASSWORD`);
  const password = decoded.slice(colon + 1).replace(/^\0+|\0+$/g, '');
  return { kind: 'password', username: decoded.slice(0, colon), password: new SecretValue(password) };
}

function invalid(fileName: string, reason: string): RegistryError {
  return new RegistryError({
    code: 'docker-config-invalid',
    message: `cannot take the registry's credential from ${fileName}: ${reason}`,
    hint: 'Log in with "docker login" to a file without credential store, or give registry-username and registry-password.',
  });
}
