import { randomUUID } from 'node:crypto';
import type { Entra } from './entra.ts';
import { type Answer, matchRoute, parseJsonObject, type ReceivedRequest, Refusal, type Route, toJsonAnswer } from './exchange.ts';
import { authenticate, authorize, type VaultAccess, type VaultPermission } from './key-vault/access.ts';
import { curveOf, digestBytes, type SigningAlgorithm, signDigest } from './key-vault/digest-signature.ts';
import { type ObjectKind, toVaultRefusal, vaultErrors } from './key-vault/error.ts';
import {
  toCertificateObjects,
  toKeyObject,
  toSecretObject,
  type VaultCertificate,
  type VaultKey,
  type VaultObject,
  type VaultSecret,
} from './key-vault/vault-object.ts';
import { type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';

export interface KeyVaultOptions extends StandInOptions {
  readonly entra: Pick<Entra, 'url' | 'tenantId' | 'verifyToken'>;
  /** The vault's name, in messages. Default `sandbox`. */
  readonly name?: string;
  /** Permissions by object id of the caller. */
  readonly grants: VaultAccess['grants'];
  /** Default `rbac`. */
  readonly model?: VaultAccess['model'];
  /** Default `open`. */
  readonly network?: VaultAccess['network'];
  /** Default `AzureServices`. */
  readonly bypass?: VaultAccess['bypass'];
  readonly secrets?: readonly VaultSecret[];
  readonly keys?: readonly VaultKey[];
  readonly certificates?: readonly VaultCertificate[];
}

export interface KeyVault extends StandIn {
  /** Enables, disables, deletes or recovers all versions of an object; of a certificate also its key and secret. */
  change(kind: ObjectKind, name: string, state: { readonly enabled?: boolean; readonly deleted?: boolean }): void;
}

/** Versions of the data plane's API that are known; the descriptions of 7.4 and 7.6 are what answers are held against. */
const apiVersions = ['2016-10-01', '7.0', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6', '2025-07-01'];

const recoverableDays = 90;

interface Vault {
  readonly access: VaultAccess;
  readonly entra: KeyVaultOptions['entra'];
  readonly now: () => Date;
  readonly startedAt: Date;
  objects: readonly VaultObject[];
}

/** Starts a stand-in of one Key Vault: its secrets, keys and certificates are read, and its keys sign. */
export async function startKeyVault(options: KeyVaultOptions): Promise<KeyVault> {
  const { name = 'sandbox', grants, model = 'rbac', network = 'open', bypass = 'AzureServices', entra } = options;
  const now = options.now ?? (() => new Date());
  const access = { name, location: 'westeurope', grants, model, network, bypass };
  const vault: Vault = { access, entra, now, startedAt: now(), objects: [] };
  const standIn = await startStandIn((request) => answer(vault, request), options);
  vault.objects = [
    ...(options.secrets ?? []).map((secret) => toSecretObject(secret, standIn.url)),
    ...(options.keys ?? []).map((key) => toKeyObject(key, standIn.url)),
    ...(options.certificates ?? []).flatMap((certificate) => toCertificateObjects(certificate, standIn.url)),
  ];
  return {
    ...standIn,
    change: (kind, changed, state) => {
      const isChanged = (object: VaultObject): boolean => isNamed(object, changed) && (object.kind === kind || kind === 'certificates');
      const deletion = state.deleted === true ? { deletedOn: now() } : {};
      vault.objects = vault.objects.map((object) =>
        isChanged(object) ? { ...object, options: { ...object.options, ...state, ...deletion } } : object,
      );
    },
  };
}

const routes: readonly Route<Vault>[] = [
  { method: 'GET', path: /^\/certificates\/(?<name>[^/]+)\/policy$/, handle: getPolicy },
  { method: 'GET', path: /^\/(?<kind>secrets|keys|certificates)\/(?<name>[^/]+)(?:\/(?<version>[^/]+))?\/?$/, handle: getObject },
  { method: 'GET', path: /^\/deleted(?<kind>secrets|keys|certificates)\/(?<name>[^/]+)\/?$/, handle: getDeleted },
  { method: 'POST', path: /^\/keys\/(?<name>[^/]+)(?:\/(?<version>[^/]*))?\/sign$/, handle: signWithKey },
];

async function answer(vault: Vault, request: ReceivedRequest): Promise<Answer> {
  const given = await answerRequest(vault, request).catch((error: unknown) => {
    if (error instanceof Refusal) {
      return error.answer;
    }
    throw error;
  });
  const asked = request.headers['x-ms-client-request-id'];
  const headers = {
    'cache-control': 'no-cache',
    'x-ms-keyvault-region': vault.access.location,
    'x-ms-request-id': randomUUID(),
    ...(typeof asked === 'string' ? { 'x-ms-client-request-id': asked } : {}),
  };
  return { ...given, headers: { ...headers, ...given.headers } };
}

async function answerRequest(vault: Vault, request: ReceivedRequest): Promise<Answer> {
  const version = request.url.searchParams.get('api-version');
  if (version === null || !apiVersions.includes(version)) {
    const text = `The specified version (${version}) is not recognized. Consider using the latest supported version (7.6).`;
    throw toVaultRefusal(vaultErrors.badParameter(version === null ? 'api-version must be specified' : text));
  }
  const found = matchRoute(routes, request);
  if (found === 'none' || found === 'wrong-method') {
    throw toVaultRefusal(vaultErrors.badParameter(`The stand-in knows no ${request.method} ${request.url.pathname}`));
  }
  return found.route.handle(vault, request, found.parameters);
}

async function getObject(vault: Vault, request: ReceivedRequest, parameters: Readonly<Record<string, string>>): Promise<Answer> {
  const kind = parameters.kind as ObjectKind;
  const object = await reach(vault, request, `${kind}/get`, parameters);
  if (kind === 'secrets' && object.options.enabled === false) {
    throw toVaultRefusal(vaultErrors.disabled(kind, 'get'));
  }
  const { tags } = object.options;
  return toJsonAnswer(200, { ...object.body, attributes: toAttributes(object), ...(tags === undefined ? {} : { tags }) });
}

/** Without the value of a secret. Under roles a deleted secret takes the permission for its metadata, a key or certificate that for reading it. */
async function getDeleted(vault: Vault, request: ReceivedRequest, parameters: Readonly<Record<string, string>>): Promise<Answer> {
  const kind = parameters.kind as ObjectKind;
  const { name = '' } = parameters;
  await admit(vault, request, kind === 'secrets' && vault.access.model === 'rbac' ? 'secrets/readMetadata' : `${kind}/get`, name);
  const object = vault.objects.filter((known) => known.kind === kind && isNamed(known, name) && known.options.deleted === true).at(-1);
  if (object === undefined) {
    throw toVaultRefusal(vaultErrors.deletedNotFound(kind, name));
  }
  const { tags, deletedOn = vault.startedAt } = object.options;
  const { value: _, ...body } = object.body;
  const toSeconds = (date: Date): number => Math.floor(date.getTime() / 1000);
  return toJsonAnswer(200, {
    recoveryId: `${request.url.origin}/deleted${kind}/${object.name}`,
    deletedDate: toSeconds(deletedOn),
    scheduledPurgeDate: toSeconds(deletedOn) + recoverableDays * 24 * 60 * 60,
    ...body,
    attributes: toAttributes(object),
    ...(tags === undefined ? {} : { tags }),
  });
}

async function getPolicy(vault: Vault, request: ReceivedRequest, parameters: Readonly<Record<string, string>>): Promise<Answer> {
  const object = await reach(vault, request, 'certificates/get', parameters);
  return toJsonAnswer(200, object.body.policy);
}

async function signWithKey(vault: Vault, request: ReceivedRequest, parameters: Readonly<Record<string, string>>): Promise<Answer> {
  const object = await reach(vault, request, 'keys/sign', parameters);
  const { enabled, notBefore, expires } = object.options;
  const now = vault.now();
  if (enabled === false) {
    throw toVaultRefusal(vaultErrors.disabled('keys', 'sign'));
  }
  if (expires !== undefined && expires <= now) {
    throw toVaultRefusal(vaultErrors.expired('keys', 'sign'));
  }
  if (notBefore !== undefined && notBefore > now) {
    throw toVaultRefusal(vaultErrors.notYetValid('keys', 'sign'));
  }
  if (object.key === undefined || !object.key.operations.includes('sign')) {
    throw toVaultRefusal(vaultErrors.operationForbidden('sign'));
  }
  const kid = toId(object);
  const { algorithm, digest } = parseSignRequest(request.body, object, kid);
  return toJsonAnswer(200, { kid, value: signDigest(algorithm, digest, object.key.signsWith).toString('base64url') });
}

/** The object that a caller asks for, after everything that the service checks before it says whether there is one. */
async function reach(
  vault: Vault,
  request: ReceivedRequest,
  permission: VaultPermission,
  parameters: Readonly<Record<string, string>>,
): Promise<VaultObject> {
  const { name = '', version = '' } = parameters;
  await admit(vault, request, permission, name);
  const kind = permission.split('/')[0] as ObjectKind;
  const versions = vault.objects.filter((object) => object.kind === kind && isNamed(object, name) && object.options.deleted !== true);
  const object = version === '' ? versions.at(-1) : versions.find((known) => known.version === version);
  if (object === undefined) {
    throw toVaultRefusal(vaultErrors.notFound(kind, version === '' ? name : `${name}/${version}`));
  }
  return object;
}

async function admit(vault: Vault, request: ReceivedRequest, permission: VaultPermission, name: string): Promise<void> {
  const caller = await authenticate(request, vault.entra);
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) {
    throw toVaultRefusal(vaultErrors.badParameter(`The request URI contains an invalid name: ${name}`));
  }
  authorize(vault.access, caller, permission, name);
}

function parseSignRequest(
  body: Buffer,
  object: VaultObject,
  kid: string,
): { readonly algorithm: SigningAlgorithm; readonly digest: Buffer } {
  const { alg, value } = parseJsonObject(body) ?? {};
  if (typeof alg !== 'string' || !/^(?:RS|PS|ES)(?:256|384|512)$/.test(alg)) {
    throw toVaultRefusal(vaultErrors.badParameter('Property alg has invalid value\r\n'));
  }
  if (typeof value !== 'string' || !/^[\w-]+$/.test(value)) {
    throw toVaultRefusal(vaultErrors.badParameter('Property value has invalid value\r\n'));
  }
  const algorithm = alg as SigningAlgorithm;
  const { kty, crv } = object.body.key as { readonly kty: string; readonly crv?: string };
  const wanted = curveOf(algorithm);
  const incompatible = `Key and signing algorithm are incompatible. Key ${kid}`;
  if ((kty === 'RSA') !== (wanted === undefined)) {
    const fit = wanted === undefined ? 'RSA' : 'EC';
    throw toVaultRefusal(
      vaultErrors.badParameter(
        `${incompatible} is of type '${kty}', and algorithm '${alg}' can only be used with a key of type '${fit}' or '${fit}-HSM'.`,
      ),
    );
  }
  if (wanted !== undefined && wanted !== crv) {
    throw toVaultRefusal(
      vaultErrors.badParameter(`${incompatible} uses curve '${crv}', and algorithm '${alg}' can only be used with curve '${wanted}'.`),
    );
  }
  const digest = Buffer.from(value, 'base64url');
  if (digest.length !== digestBytes(algorithm)) {
    throw toVaultRefusal(
      vaultErrors.badParameter(
        `Invalid length of 'value': ${digest.length} bytes. ${alg} requires ${digestBytes(algorithm)} bytes, encoded with base64url.`,
      ),
    );
  }
  return { algorithm, digest };
}

function toAttributes({ kind, options }: VaultObject): object {
  const toSeconds = (date: Date): number => Math.floor(date.getTime() / 1000);
  const created = toSeconds(new Date('2026-01-01T00:00:00Z'));
  return {
    enabled: options.enabled ?? true,
    ...(options.notBefore === undefined ? {} : { nbf: toSeconds(options.notBefore) }),
    ...(options.expires === undefined ? {} : { exp: toSeconds(options.expires) }),
    created,
    updated: created,
    recoveryLevel: 'Recoverable+Purgeable',
    recoverableDays,
    ...(kind === 'keys' ? { exportable: false } : {}),
  };
}

function toId({ body }: VaultObject): string {
  return (body.key as { readonly kid: string }).kid;
}

/** Names are compared without case (https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates). */
function isNamed(object: VaultObject, name: string): boolean {
  return object.name.toLowerCase() === name.toLowerCase();
}
