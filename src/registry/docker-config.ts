import { SecretValue } from '../lib/secret-value.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson, StrictJsonError } from '../lib/strict-json.ts';
import type { RepositoryName } from '../model/source.ts';
import type { StoredCredential } from './credential.ts';
import { dockerHub } from './reference.ts';
import { RegistryError } from './registry-error.ts';

/** A program that keeps credentials, as a configuration file names it. */
export interface HelperName {
  /** What follows `docker-credential-`. */
  readonly name: string;
  /** What it is asked for. */
  readonly serverAddress: string;
}

/** What a file of logins says of a repository: whom to ask first, and what it holds itself. */
export interface StoredLogin {
  readonly helper: HelperName | undefined;
  readonly credential: StoredCredential | undefined;
}

/**
 * Reads Docker's config.json (https://github.com/docker/cli/blob/v29.0.0/cli/config/configfile/file.go) or the auth.json of Podman, Buildah and Skopeo
 * (https://github.com/containers/image/blob/v5.36.2/docs/containers-auth.json.5.md), which may have an entry for a part of a registry: the longest that fits
 * counts. A helper of `credHelpers` comes before `credsStore`. Throws `docker-config-invalid`; `fileName` is for messages.
 */
export function parseDockerConfig(bytes: Uint8Array, repository: RepositoryName, fileName: string): StoredLogin {
  const config = readConfig(bytes, fileName);
  const { registry } = repository;
  const entry = isJsonObject(config.auths) ? findEntry(config.auths, repository) : undefined;
  const helper = (isJsonObject(config.credHelpers) ? findEntry(config.credHelpers, repository) : undefined) ?? config.credsStore;
  return {
    helper: toHelper(helper, registry, fileName),
    credential: entry === undefined ? undefined : toCredential(entry, registry, fileName),
  };
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

/** Keys are host names, with a part of the path or without, or URLs as old versions of Docker wrote them, whose path says nothing. */
function findEntry(entries: JsonObject, { registry, repository }: RepositoryName): JsonValue | undefined {
  const names = registry === dockerHub ? [dockerHub, 'index.docker.io', 'registry-1.docker.io'] : [registry];
  const parts = repository.split('/');
  const paths = parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`);
  for (const path of [...paths, '']) {
    const exact = names.map((name) => entries[`${name}${path}`]).find((entry) => entry !== undefined);
    if (exact !== undefined) return exact;
  }
  const [, value] = Object.entries(entries).find(([key]) => names.includes(hostOfKey(key) ?? '')) ?? [];
  return value;
}

/** Undefined for a part of a registry. */
function hostOfKey(key: string): string | undefined {
  const [, scheme, host = '', path = ''] = /^(https?:\/\/)?([^/]*)(.*)$/s.exec(key) ?? [];
  return scheme === undefined && !/^\/?(?:v[12]\/?)?$/.test(path) ? undefined : host.toLowerCase();
}

function toHelper(name: JsonValue | undefined, registry: string, fileName: string): HelperName | undefined {
  if (name === undefined || name === null || name === '') return undefined;
  // It becomes the name of a program.
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    return { name, serverAddress: registry === dockerHub ? 'https://index.docker.io/v1/' : registry };
  }
  throw invalid(fileName, `the name of the credential helper for ${registry} is not letters, digits, ".", "_" and "-"`);
}

function toCredential(entry: JsonValue, registry: string, fileName: string): StoredCredential | undefined {
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
function fromAuth(auth: string, registry: string, fileName: string): StoredCredential {
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
    hint: 'Log in again with "docker login", or give registry-username and registry-password.',
  });
}
