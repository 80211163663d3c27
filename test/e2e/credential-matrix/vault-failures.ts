import { createCertificateAuthority, createSigningChain, generateKeys } from '../../../src/sandbox/certificate.ts';
import { toJsonAnswer, toTextAnswer } from '../../../src/sandbox/exchange.ts';
import type { KeyVaultOptions } from '../../../src/sandbox/key-vault.ts';
import { fromVault } from '../canary/scenes.ts';
import type { CanaryWorld, Scene } from '../canary/world.ts';
import type { Failure, FailureGroup } from './failure.ts';
import { closedUrl, knowsNoName, only, retryAtOnce } from './obstacle.ts';

const dayMs = 24 * 60 * 60 * 1000;
const inDays = (days: number): Date => new Date(Date.now() + days * dayMs);
const password = 'REGISTRY_PASSWORD = registry-password';

/** A run with a secret of a vault that is made for it. */
function secretOf(options: (world: CanaryWorld) => Partial<KeyVaultOptions>, secrets = password): (world: CanaryWorld) => Promise<Scene> {
  return async (world) => {
    const vault = await world.startVault(options(world));
    return { inputs: { ...fromVault(world).inputs, 'key-vault': vault, secrets } };
  };
}

/** A run that signs with a vault that is made for it; what only the run itself could know is of the sandbox's. */
function keyOf(options: (world: CanaryWorld) => Partial<KeyVaultOptions> | Promise<Partial<KeyVaultOptions>>, name = 'image-signing') {
  return async (world: CanaryWorld): Promise<Scene> => {
    const chain = await createSigningChain({ name: 'image-signing', length: 'self-signed' });
    const certificate = { name: 'image-signing', chain: chain.certificates, privateKey: chain.keys.privateKey };
    const vault = await world.startVault({ certificates: [certificate], ...(await options(world)) });
    const { 'key-vault': _, secrets: __, 'registry-username': ___, 'registry-password': ____, ...inputs } = fromVault(world).inputs;
    const open = await world.startRegistry('open', { auth: { kind: 'none' } });
    return { inputs: { ...inputs, push: `${open.host}/team/key:1.0`, 'key-vault': vault, 'signing-key': name } };
  };
}

/** Grants of the run's identity. */
const granted =
  (...permissions: KeyVaultOptions['grants'][string]) =>
  ({ place: { sandbox } }: CanaryWorld) => ({
    grants: { [sandbox.identity.objectId]: permissions },
  });

const secret: readonly Failure[] = [
  { what: 'a role is missing', code: 'vault-role-missing', set: secretOf(granted()) },
  {
    what: 'the access policy lacks a permission',
    code: 'vault-policy-missing',
    set: secretOf((world) => ({ ...granted()(world), model: 'policy' })),
  },
  { what: 'the firewall keeps the runner out', code: 'vault-firewall', set: secretOf(() => ({ network: 'firewall' })) },
  { what: 'there is a private endpoint only', code: 'vault-private', set: secretOf(() => ({ network: 'private' })) },
  { what: 'there is no such secret', code: 'object-missing', set: secretOf(() => ({ secrets: [] })) },
  {
    what: 'there is no such version',
    code: 'object-missing',
    set: secretOf(() => ({}), `REGISTRY_PASSWORD = registry-password/${'0'.repeat(32)}`),
  },
  {
    what: 'the secret is soft-deleted',
    code: 'object-deleted',
    set: secretOf((world) => ({
      ...granted('secrets/get', 'secrets/readMetadata')(world),
      secrets: [{ name: 'registry-password', value: world.place.password, deleted: true }],
    })),
  },
  {
    what: 'the secret is disabled',
    code: 'object-disabled',
    set: secretOf(({ place }) => ({ secrets: [{ name: 'registry-password', value: place.password, enabled: false }] })),
  },
  {
    what: 'the secret has expired',
    code: 'object-expired',
    set: secretOf(({ place }) => ({ secrets: [{ name: 'registry-password', value: place.password, expires: inDays(-1) }] })),
  },
  {
    what: 'the secret is not valid yet',
    code: 'object-not-yet-valid',
    set: secretOf(({ place }) => ({ secrets: [{ name: 'registry-password', value: place.password, notBefore: inDays(1) }] })),
  },
  {
    what: '`secret:NAME` names none of `secrets`',
    code: 'input-conflict',
    exitCode: 2,
    set: (world) => ({ inputs: { ...fromVault(world).inputs, 'registry-password': 'secret:OTHER' } }),
  },
];

const vault: readonly Failure[] = [
  {
    what: 'the vault belongs to another tenant',
    code: 'tenant-other',
    set: async (world) => {
      const authorization = `${world.place.sandbox.entra.url}/33333333-3333-3333-3333-333333333333`;
      const other = { 'www-authenticate': `Bearer authorization="${authorization}", resource="https://vault.azure.net"` };
      const vault = await world.startVault({}, { tamper: () => toJsonAnswer(401, {}, other) });
      return { inputs: { ...fromVault(world).inputs, 'key-vault': vault, secrets: password } };
    },
  },
  {
    what: 'several secrets fail at once',
    code: 'secrets-unreadable',
    set: secretOf(() => ({}), 'ONE = shop-database\nTWO = shop-cache\nREGISTRY_PASSWORD = registry-password'),
  },
  {
    what: 'the vault is throttled',
    code: 'vault-throttled',
    set: answering(
      (): ReturnType<typeof toJsonAnswer> =>
        toJsonAnswer(
          429,
          { error: { code: 'Throttled', message: 'Request was not processed because too many requests were received.' } },
          retryAtOnce,
        ),
    ),
  },
  {
    what: 'the vault has a fault',
    code: 'vault-unavailable',
    set: answering(() =>
      toJsonAnswer(500, { error: { code: 'InternalServerError', message: 'An internal error occurred.' } }, retryAtOnce),
    ),
  },
  {
    what: 'a page of a proxy answers',
    code: 'vault-refused',
    set: answering(() => toTextAnswer(403, '<html>Blocked by the proxy</html>', { 'content-type': 'text/html' })),
  },
  {
    what: 'the token is of another tenant than the vault',
    code: 'vault-unauthorized',
    set: answering(() =>
      toJsonAnswer(401, {
        error: {
          code: 'Unauthorized',
          message:
            'AKV10032: Invalid issuer. Expected one of https://sts.windows.net/11111111-1111-1111-1111-111111111111/, found https://sts.windows.net/22222222-2222-2222-2222-222222222222/.',
        },
      }),
    ),
  },
  {
    what: 'what answers asks for tokens of another resource',
    code: 'vault-unauthorized',
    set: async (world) => {
      const elsewhere = { 'www-authenticate': 'Bearer authorization="https://login.example.com/common", resource="https://example.com"' };
      const vault = await world.startVault({}, { tamper: () => toJsonAnswer(401, {}, elsewhere) });
      return { inputs: { ...fromVault(world).inputs, 'key-vault': vault } };
    },
  },
  {
    what: 'the name does not resolve',
    code: 'vault-unknown',
    set: (world) => ({
      inputs: { ...fromVault(world).inputs, 'key-vault': 'example-vault' },
      env: { HTTPS_PROXY: undefined, ...knowsNoName },
    }),
  },
  {
    what: 'nothing answers at its address',
    code: 'vault-unreachable',
    set: async (world) => ({ inputs: { ...fromVault(world).inputs, 'key-vault': await closedUrl() } }),
  },
  {
    what: 'its TLS certificate is of an authority that is not trusted',
    code: 'vault-unreachable',
    set: async (world) => {
      const stranger = await createCertificateAuthority();
      const vault = await world.startVault({}, { tls: await stranger.issueTls(['example-vault.vault.azure.net']) });
      return { inputs: { ...fromVault(world).inputs, 'key-vault': vault } };
    },
  },
  {
    what: 'the proxy has no way to it',
    code: 'vault-unreachable',
    set: (world) => ({ inputs: { ...fromVault(world).inputs, 'key-vault': 'other-vault' } }),
  },
  {
    what: 'the name is none of a vault',
    code: 'bad-vault',
    exitCode: 2,
    set: (world) => ({ inputs: { ...fromVault(world).inputs, 'key-vault': 'a' } }),
  },
  {
    what: 'the address is none of a vault',
    code: 'bad-vault',
    exitCode: 2,
    set: (world) => ({ inputs: { ...fromVault(world).inputs, 'key-vault': 'https://vault.example.com' } }),
  },
];

/** A vault that gives an answer of its own to whoever shows a token. */
function answering(answer: () => ReturnType<typeof toJsonAnswer>): Failure['set'] {
  return async (world) => {
    const vault = await world.startVault({}, { tamper: only(({ headers }) => headers.authorization !== undefined, answer) });
    return { inputs: { ...fromVault(world).inputs, 'key-vault': vault, secrets: password } };
  };
}

const withState = (state: object, more: (world: CanaryWorld) => Partial<KeyVaultOptions> = () => ({})): Failure['set'] =>
  keyOf(async (world) => {
    const chain = await createSigningChain({ name: 'image-signing', length: 'self-signed' });
    return {
      certificates: [{ name: 'image-signing', chain: chain.certificates, privateKey: chain.keys.privateKey, ...state }],
      ...more(world),
    };
  });

const key: readonly Failure[] = [
  { what: 'the role to read the certificate is missing', code: 'vault-role-missing', set: keyOf(granted('keys/sign')) },
  { what: 'the role to sign is missing', code: 'vault-role-missing', set: keyOf(granted('certificates/get')) },
  {
    what: 'the access policy does not let it read the certificate',
    code: 'vault-policy-missing',
    set: keyOf((world) => ({ ...granted('keys/sign')(world), model: 'policy' })),
  },
  {
    what: 'the access policy does not let it sign',
    code: 'vault-policy-missing',
    set: keyOf((world) => ({ ...granted('certificates/get')(world), model: 'policy' })),
  },
  { what: 'there is no such certificate', code: 'object-missing', set: keyOf(() => ({ certificates: [] })) },
  { what: 'the certificate is soft-deleted', code: 'object-deleted', set: withState({ deleted: true }) },
  { what: 'the certificate is disabled', code: 'object-disabled', set: withState({ enabled: false }) },
  { what: 'the certificate has expired', code: 'object-expired', set: withState({ expires: inDays(-1) }) },
  { what: 'the certificate is not valid yet', code: 'object-not-yet-valid', set: withState({ notBefore: inDays(1) }) },
  { what: 'the key may not sign', code: 'key-operation', set: withState({ operations: ['encrypt', 'decrypt'] }) },
  {
    what: 'the key gives wrong signatures',
    code: 'wrong-signature',
    set: keyOf(async () => {
      const chain = await createSigningChain({ name: 'image-signing', length: 'self-signed' });
      const signsWith = (await generateKeys('P-256')).privateKey;
      return { certificates: [{ name: 'image-signing', chain: chain.certificates, privateKey: chain.keys.privateKey, signsWith }] };
    }),
  },
  {
    what: 'an authority has issued the certificate, and its chain is not given',
    code: 'incomplete-chain',
    set: keyOf(async () => {
      const chain = await createSigningChain({ name: 'image-signing' });
      return { certificates: [{ name: 'image-signing', chain: chain.certificates, privateKey: chain.keys.privateKey }] };
    }),
  },
  {
    what: 'the key is named, and `key-vault` is not given',
    code: 'input-missing',
    exitCode: 2,
    set: async (world) => {
      const scene = await keyOf(() => ({}))(world);
      const { 'key-vault': _, ...inputs } = scene.inputs;
      return { inputs };
    },
  },
];

export const vaultFailures: readonly FailureGroup[] = [
  { title: 'Key Vault: secrets', failures: secret },
  { title: 'Key Vault: the vault', failures: vault },
  { title: 'Key Vault: keys and certificates', failures: key },
];
