import { isLoopbackHost } from '../lib/http-reach.ts';
import { type Digest, isDigest } from '../model/digest.ts';
import { RegistryError } from './registry-error.ts';

/** Where an image is: https://github.com/distribution/reference (normalized names, as docker and containerd read them). */
export interface Reference {
  /** Host and port as the user writes them; `docker.io` where none is given. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

/** Host and scheme that requests for a registry go to. */
export interface RegistryAddress {
  /** Name for messages and credentials, e.g. `docker.io`. */
  readonly name: string;
  readonly origin: URL;
}

/** What is accepted, for messages and `--help`. */
export const referenceForm = '[HOST[:PORT]/]REPOSITORY[:TAG][@sha256:DIGEST], the repository in lower case';

/** Throws a RegistryError with code `reference-invalid` that names the text and what is accepted. A tag is not made up where none is given. */
export function parseReference(text: string): Reference {
  if (text.length > 512) throw invalid(text, 'it is longer than 512 characters');
  const [, beforeDigest = '', digest] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, 'its digest is not sha256: and 64 lower-case hexadecimal digits');
  const { registry, rest } = splitRegistry(beforeDigest);
  const [, path = '', tag] = /^([^:]*)(?::(.*))?$/s.exec(rest) ?? [];
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw invalid(text, 'its tag is not 1 to 128 letters, digits, "_", "." and "-", beginning with none of the last two');
  }
  if (!hostPattern.test(registry)) throw invalid(text, `"${registry}" is not a host name with an optional port`);
  verifyPort(text, registry);
  const repository = registry === dockerHub && !path.includes('/') ? `library/${path}` : path;
  verifyRepository(text, path, repository);
  return { registry, repository, tag, digest };
}

/** `registry/repository[:tag][@digest]`, the normalized form. */
export function toText(reference: Reference): string {
  const { registry, repository, tag, digest } = reference;
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Plain http is spoken with this machine and with the hosts that the user lists, and with nobody else. */
export function toRegistryAddress(registry: string, insecureRegistries: readonly string[] = []): RegistryAddress {
  const host = registry === dockerHub ? 'registry-1.docker.io' : registry;
  const isInsecure = isLoopbackHost(new URL(`https://${host}`).hostname) || insecureRegistries.includes(registry);
  return { name: registry, origin: new URL(`${isInsecure ? 'http' : 'https'}://${host}/`) };
}

export const dockerHub = 'docker.io';

const tagPattern = /^\w[\w.-]{0,127}$/;
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const hostPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?$`);
const pathComponent = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;

/** The part before the first slash is a host where it has a dot, a colon or an upper-case letter, or is `localhost`. */
function splitRegistry(text: string): { readonly registry: string; readonly rest: string } {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  if (!isHost && first === first.toLowerCase()) return { registry: dockerHub, rest: text };
  const isHub = /^(?:index|registry-1)\.docker\.io$/i.test(first);
  // A name of one word is a host by its upper case alone, which it keeps.
  return { registry: isHub ? dockerHub : isHost ? first.toLowerCase() : first, rest: text.slice(slash + 1) };
}

function verifyPort(text: string, registry: string): void {
  if (!URL.canParse(`https://${registry}/`)) throw invalid(text, `"${registry}" is not a host name with an optional port`);
}

function verifyRepository(text: string, path: string, repository: string): void {
  if (path === '') throw invalid(text, 'it names no repository');
  if (repository.length > 255) throw invalid(text, 'its repository is longer than 255 characters');
  if (/^[0-9a-f]{64}$/.test(path)) throw invalid(text, 'a repository cannot be 64 hexadecimal digits, which is an image id');
  const wrong = path.split('/').find((component) => !pathComponent.test(component));
  if (wrong === undefined) return;
  const reason =
    wrong !== wrong.toLowerCase() ? 'has upper-case letters' : 'is not lower-case letters and digits, separated by ".", "_", "__" or "-"';
  throw invalid(text, wrong === '' ? 'a part of its repository is empty' : `"${wrong}" in its repository ${reason}`);
}

function invalid(text: string, reason: string): RegistryError {
  const shown = JSON.stringify(text.length > 150 ? `${text.slice(0, 150)}…` : text);
  return new RegistryError({
    code: 'reference-invalid',
    message: `cannot read the image reference ${shown}: ${reason}`,
    hint: `Write it as ${referenceForm}, e.g. registry.example.com/team/app:1.0.`,
  });
}
