import { randomUUID } from 'node:crypto';
import type { HostKind } from './step-run.ts';

export interface Case {
  readonly what: string;
  /** Instead of those of a run that would publish; an undefined one is left out. */
  readonly inputs: Readonly<Record<string, string | undefined>> | ((world: BadWorld) => Readonly<Record<string, string | undefined>>);
  /** The run that is changed takes password and key from the vault. */
  readonly vault?: true;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly exitCode: 2 | 3;
  /** What the message has to say: what the input is, its value, what is wrong. */
  readonly says: readonly RegExp[];
  readonly hint: RegExp;
  readonly on?: readonly HostKind[];
}

/** As the host spells it; errors from below the inputs spell it as GitHub does. */
const named = (name: string): RegExp => new RegExp(name.replaceAll('-', '-?'), 'i');
export const badInputs: readonly Case[] = [
  { what: 'no image', inputs: { image: undefined }, exitCode: 2, says: [/image is required/], hint: /docker-archive:FILE/ },
  { what: 'a blank image', inputs: { image: '   ' }, exitCode: 2, says: [/image is required/], hint: /docker-archive:FILE/ },
  { what: 'a misspelt input', inputs: { 'fial-on': 'low' }, exitCode: 2, says: [/fial-?on/], hint: /Did you mean (?:--)?fail-?on/i },
  {
    what: 'an input in another style',
    inputs: { signing_key: 'x' },
    exitCode: 2,
    says: [/signing_key/],
    hint: /Did you mean (?:--)?signing-?key/i,
  },
  { what: 'an image of no form', inputs: { image: 'UPPER CASE!' }, exitCode: 2, says: [/UPPER CASE!/], hint: /oci-archive:FILE/ },
  { what: 'an archive without its kind', inputs: { image: 'good.tar' }, exitCode: 2, says: [/good\.tar/, /kind/], hint: /docker-archive:/ },
  {
    what: 'an archive without a path',
    inputs: { image: 'docker-archive:' },
    exitCode: 2,
    says: [/docker-archive:/],
    hint: /docker-archive:FILE/,
  },
  { what: 'an image of another transport', inputs: { image: 'docker://app' }, exitCode: 2, says: [/docker:\/\/app/], hint: /Accepted/ },
  {
    what: 'an image of a registry of no form',
    inputs: { image: 'registry:Team/App' },
    exitCode: 2,
    says: [/Team\/App/],
    hint: /REPOSITORY/,
  },
  { what: 'a platform of no form', inputs: { platform: 'arm64' }, exitCode: 2, says: [/platform/, /arm64/], hint: /OS\/ARCHITECTURE/ },
  {
    what: 'a platform that the image does not have',
    inputs: { platform: 'windows/amd64' },
    exitCode: 2,
    says: [/no image for windows\/amd64/],
    hint: /It has linux\/amd64/,
  },
  { what: 'a destination of no form', inputs: { push: 'Not A Reference' }, exitCode: 2, says: [/Not A Reference/], hint: /\w/ },
  {
    what: 'a destination with a digest',
    inputs: { push: `127.0.0.1:5000/team/app@sha256:${'0'.repeat(64)}` },
    exitCode: 2,
    says: [/push/, /digest/],
    hint: /HOST\/REPOSITORY:TAG/,
  },
  {
    what: 'no such policy file',
    inputs: { policy: 'none.yml' },
    exitCode: 2,
    says: [/policy/, /none\.yml/, /no such file/],
    hint: /relative to/,
  },
  { what: 'a folder as policy', inputs: { policy: 'folder' }, exitCode: 2, says: [/policy/, /folder/], hint: /path of a file/ },
  {
    what: 'a policy with an unknown key',
    inputs: { policy: 'policy.yml' },
    exitCode: 2,
    says: [/policy\.yml:4:5/, /denny/],
    hint: /docs\/policy\.md/,
  },
  {
    what: 'another severity',
    inputs: { 'fail-on': 'hihg' },
    exitCode: 2,
    says: [named('fail-on'), /hihg/],
    hint: /critical, high, medium, low, none/,
  },
  {
    what: 'no such advisories',
    inputs: { advisories: 'nowhere' },
    exitCode: 2,
    says: [/advisories/, /nowhere/],
    hint: /osv\.dev|directory/i,
  },
  { what: 'advisories over http', inputs: { advisories: 'http://osv.example' }, exitCode: 2, says: [/advisories/, /http:/], hint: /https/ },
  {
    what: 'a vault of no form',
    vault: true,
    inputs: { 'key-vault': 'no such vault!' },
    exitCode: 2,
    says: [/vault/i, /no such vault!/],
    hint: /name|https/,
  },
  {
    what: 'a secret of no form',
    vault: true,
    inputs: { secrets: 'no equals sign' },
    exitCode: 2,
    says: [/secrets/, /line 1/],
    hint: /NAME = secret-name/,
  },
  {
    what: 'secrets without a vault',
    vault: true,
    inputs: { 'key-vault': undefined },
    exitCode: 2,
    says: [/secrets/, named('key-vault')],
    hint: /vault/,
  },
  {
    what: 'a secret twice',
    vault: true,
    inputs: { secrets: 'REGISTRY_PASSWORD = a\nREGISTRY_PASSWORD = b' },
    exitCode: 2,
    says: [/secrets/, /REGISTRY_PASSWORD twice/],
    hint: /name of its own/,
  },
  {
    what: 'a secret that is not named',
    vault: true,
    inputs: { 'registry-password': 'secret:OTHER' },
    exitCode: 2,
    says: [named('registry-password'), /secret:OTHER/],
    hint: /OTHER = .*REGISTRY_PASSWORD/,
  },
  { what: 'a password alone', inputs: { 'registry-username': undefined }, exitCode: 2, says: [named('registry-username')], hint: /both/ },
  {
    what: 'a tenant of no form',
    inputs: { 'azure-tenant-id': 'no tenant!' },
    exitCode: 2,
    says: [named('azure-tenant-id'), /no tenant!/],
    hint: /GUID/,
  },
  {
    what: 'a client of no form',
    inputs: { 'azure-client-id': 'client' },
    exitCode: 2,
    says: [named('azure-client-id'), /client/],
    hint: /GUID/,
  },
  { what: 'another signature', inputs: { sign: 'gpg' }, exitCode: 2, says: [/sign/, /gpg/], hint: /notation, cosign, one a line, or none/ },
  {
    what: 'a signature without a key',
    inputs: { sign: 'notation', 'signing-key': undefined },
    exitCode: 2,
    says: [named('signing-key'), /required/],
    hint: /file:KEY\.pem/,
  },
  {
    what: 'a key of no form',
    inputs: { 'signing-key': 'a,b,c' },
    exitCode: 2,
    says: [named('signing-key'), /a,b,c/],
    hint: /file:KEY\.pem/,
  },
  { what: 'keyless', inputs: { 'signing-key': 'keyless' }, exitCode: 2, says: [named('signing-key'), /keyless/], hint: /file:KEY\.pem/ },
  {
    what: 'no such key file',
    inputs: { 'signing-key': 'file:none.pem' },
    exitCode: 2,
    says: [named('signing-key'), /none\.pem/, /no such file/],
    hint: /relative/,
  },
  {
    what: 'a file that is no key',
    inputs: { 'signing-key': 'file:no-key.pem' },
    exitCode: 2,
    says: [named('signing-key'), /no-key\.pem/],
    hint: /BEGIN PRIVATE KEY/,
  },
  {
    what: 'a key of another certificate',
    inputs: { 'signing-key': 'file:key.pem,other.pem' },
    exitCode: 3,
    says: [named('signing-key'), /other\.pem/, /none of/],
    hint: /file:KEY\.pem,CERT\.pem/,
  },
  {
    what: 'a chain without its root',
    inputs: { 'signing-key': 'file:key.pem,leaf.pem' },
    exitCode: 3,
    says: [named('signing-key'), /leaf\.pem/, /issuer/],
    hint: /Add the certificate of/,
  },
  {
    what: 'no such chain',
    vault: true,
    inputs: { 'signing-key': 'image-signing,none.pem' },
    exitCode: 2,
    says: [/none\.pem/, /no such file/],
    hint: /relative/,
  },
  {
    what: 'another kind of statement',
    inputs: { attest: 'vex' },
    exitCode: 2,
    says: [/attest/, /vex/],
    hint: /sbom, provenance, scan, verdict/,
  },
  {
    what: 'statements that nobody signs',
    inputs: { attest: 'scan', 'signing-key': '' },
    exitCode: 2,
    says: [/signing-?key/i],
    hint: /Key Vault/,
  },
  {
    what: 'an attested SBOM that is not made',
    inputs: { attest: 'sbom', sbom: 'none' },
    exitCode: 2,
    says: [/sbom/, /none/],
    hint: /format/,
  },
  { what: 'another kind of SBOM', inputs: { sbom: 'swid' }, exitCode: 2, says: [/sbom/, /swid/], hint: /cyclonedx, spdx/ },
  {
    what: 'no such Dockerfile',
    inputs: { dockerfile: 'Dockerfile.none' },
    exitCode: 2,
    says: [/dockerfile/, /Dockerfile\.none/],
    hint: /relative/,
  },
  { what: 'no such flag', inputs: { annotations: 'maybe' }, exitCode: 2, says: [/annotations/, /maybe/], hint: /true, false/ },
  { what: 'no such flag', inputs: { comment: '2' }, exitCode: 2, says: [/comment/, /2/], hint: /true, false/ },
  { what: 'no such flag', inputs: { summary: 'never' }, exitCode: 2, says: [/summary/, /never/], hint: /true, false/ },
  { what: 'a report where a folder is', inputs: { report: 'folder' }, exitCode: 2, says: [/report/, /folder/], hint: /path of a file/ },
  {
    what: 'a report below a file',
    inputs: { report: 'Caddyfile/report.json' },
    exitCode: 2,
    says: [/report/, /Caddyfile/],
    hint: /path of a file/,
  },
  { what: 'another place for referrers', inputs: { referrers: 'tag' }, exitCode: 2, says: [/referrers/, /tag/], hint: /auto, api, both/ },
  { what: 'another compression', inputs: { compression: 'zip' }, exitCode: 2, says: [/compression/, /zip/], hint: /gzip, zstd, keep/ },
  {
    what: 'a host of no form',
    inputs: { 'insecure-registry': 'http://x' },
    exitCode: 2,
    says: [named('insecure-registry'), /http:\/\/x/],
    hint: /registry\.local:5000/,
  },
];

/** 127.0.0.1:1 is tcpmux: nobody listens there. */
const nobody = '127.0.0.1:1';
/** Where the stand-ins of the test are. */
export interface BadWorld {
  readonly registryHost: string;
  readonly closedVaultUrl: string;
}

/** What is wrong outside of the inputs, or known only there. */
export const badWorld: readonly Case[] = [
  {
    what: 'no such archive',
    inputs: { image: 'docker-archive:none.tar' },
    exitCode: 2,
    says: [/docker-archive:none\.tar/, /there is no/],
    hint: /relative to/,
  },
  {
    what: 'an archive that was cut off',
    inputs: { image: 'docker-archive:truncated.tar' },
    exitCode: 3,
    says: [/truncated\.tar/],
    hint: /Write the archive again/,
  },
  { what: 'a file that is no archive', inputs: { image: 'docker-archive:noise.tar' }, exitCode: 3, says: [/noise\.tar/], hint: /\w{3}/ },
  {
    what: 'no Docker daemon',
    inputs: { image: 'app:ci' },
    env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    exitCode: 3,
    says: [/app:ci/, /\/nowhere\/docker\.sock/],
    hint: /daemon|DOCKER_HOST/,
  },
  {
    what: 'a registry that does not know the user',
    inputs: { 'registry-username': 'nobody', 'registry-password': 'wrong-password-1234' },
    exitCode: 3,
    says: [/401/],
    hint: /registry-username and registry-password: what is given must not have expired/,
  },
  {
    what: 'a registry that does not let the user push',
    inputs: ({ registryHost }) => ({ push: `${registryHost}/others/app:1.0` }),
    exitCode: 3,
    says: [/others\/app/, /40[13]/],
    hint: /push to others\/app/,
  },
  {
    what: 'a registry that is not there',
    inputs: { push: `${nobody}/team/app:1.0` },
    exitCode: 3,
    says: [/127\.0\.0\.1:1/, /ECONNREFUSED/],
    hint: /running/,
  },
  {
    what: 'a vault that is not there',
    vault: true,
    inputs: { 'key-vault': `https://${nobody}` },
    exitCode: 3,
    says: [/127\.0\.0\.1/, /registry-password/],
    hint: /\w{3}/,
  },
  {
    what: 'a secret that is not there',
    vault: true,
    inputs: { secrets: 'REGISTRY_PASSWORD = none' },
    exitCode: 3,
    says: [/secret "none"/],
    hint: /az keyvault secret/,
  },
  {
    what: 'a secret that is disabled',
    vault: true,
    inputs: { secrets: 'REGISTRY_PASSWORD = disabled' },
    exitCode: 3,
    says: [/secret "disabled"/],
    hint: /enabled/,
  },
  {
    what: 'a vault that refuses',
    vault: true,
    inputs: ({ closedVaultUrl }) => ({ 'key-vault': closedVaultUrl }),
    exitCode: 3,
    says: [/registry-password/, /object id [0-9a-f-]{36}/],
    hint: /az role assignment create .*Key Vault Secrets User/,
  },
  {
    what: 'a certificate that is not there',
    vault: true,
    inputs: { 'signing-key': 'none,chain.pem' },
    exitCode: 3,
    says: [/"none"/],
    hint: /\w{3}/,
  },
  {
    what: 'a wrong client secret',
    vault: true,
    inputs: {},
    env: { AZURE_CLIENT_SECRET: 'canary-of-a-wrong-secret' },
    exitCode: 3,
    says: [/AADSTS7000215/],
    hint: /az ad app credential reset/,
    on: ['azure-pipelines', 'cli'],
  },
  {
    what: 'another application',
    vault: true,
    inputs: { 'azure-client-id': randomUUID() },
    exitCode: 3,
    says: [/AADSTS700016/],
    hint: /azure-client-id/,
  },
  {
    what: 'no identity',
    vault: true,
    inputs: {},
    env: { AZURE_CLIENT_ID: undefined, AZURE_TENANT_ID: undefined, AZURE_CLIENT_SECRET: undefined },
    exitCode: 3,
    says: [/no Azure identity/],
    hint: /azure-tenant-id/,
  },
  {
    what: 'a job that may not ask for a token',
    vault: true,
    inputs: {},
    env: { ACTIONS_ID_TOKEN_REQUEST_URL: undefined, ACTIONS_ID_TOKEN_REQUEST_TOKEN: undefined },
    exitCode: 3,
    says: [/token/],
    hint: /id-token: write/,
    on: ['github'],
  },
];
