import { identityKinds } from '../lib/credential-choice.ts';

/**
 * How an input's text is read. `list`: one item a line; on the command line the option is repeated. `credential`: a literal, or `secret:NAME`.
 * `azure-connection`: a service connection of Azure Pipelines, by name; the task is given its id.
 */
export type InputType = 'text' | 'list' | 'choice' | 'flag' | 'file' | 'credential' | 'azure-connection';

export interface Input {
  readonly name: string;
  readonly type: InputType;
  readonly required?: true;
  /** Accepted values of a `choice`. */
  readonly choices?: readonly string[];
  readonly default?: string;
  /** The default where it is not a fixed text; for the documents. */
  readonly defaultText?: string;
  /** What `action.yml` gives as default, where the host evaluates it. */
  readonly githubDefault?: string;
  readonly description: string;
  /** Left out elsewhere. */
  readonly onlyOn?: 'github' | 'azure-pipelines';
  /** `shell`: the command line has something else for it. */
  readonly notOn?: 'shell';
  /** Commands that have it; by default `secure`, and `doctor`, which looks at what `secure` would do. */
  readonly commands?: readonly Command[];
}

export const commands = ['secure', 'verify', 'mirror', 'doctor'] as const;
/** What the step is asked to do; on the command line a subcommand. */
export type Command = (typeof commands)[number];

/** Of an input that names none. */
export const defaultCommands: readonly Command[] = ['secure', 'doctor'];

/** Of an input that says what is pushed and who signs it. */
const publishing: readonly Command[] = ['secure', 'mirror', 'doctor'];

/** Of an input that says what an image is held against, or who is told of it. */
const deciding: readonly Command[] = ['secure', 'verify', 'doctor'];

export interface Output {
  readonly name: string;
  readonly description: string;
}

/** Longest text of one input. */
export const inputLimitCharacters = 64 * 1024;

/** Most items of one list. */
export const listLimit = 100;

/** Every input of the step; action.yml, task.json, `--help` and the README's tables are generated from here. */
export const inputs = [
  {
    name: 'command',
    type: 'choice',
    choices: commands,
    default: 'secure',
    notOn: 'shell',
    commands,
    description:
      '`secure` takes an image into custody; `verify` holds images, and those of a deployment, against what is known of them; `doctor` checks everything that `secure` needs, and changes nothing; `mirror` puts a snapshot of the advisories into your own registry. On the command line these are subcommands.',
  },
  {
    name: 'image',
    type: 'text',
    required: true,
    description:
      'The image to take into custody: `app:ci` (Docker daemon), `docker-archive:FILE`, `oci-archive:FILE[:TAG]`, `oci:DIR[:TAG]` or `registry:REFERENCE`. Archives may be compressed (gzip, zstd); on the command line `-` in place of FILE is the standard input.',
  },
  {
    name: 'push',
    type: 'list',
    commands: publishing,
    defaultText: 'empty: scan only',
    description: 'Destination references, e.g. `registry.example.com/team/app:1.2`. All get the same digest.',
  },
  {
    name: 'platform',
    type: 'list',
    defaultText: 'all',
    description:
      'Limits what is scanned and pushed of a multi-platform image, e.g. to `linux/amd64`. One platform is published as its own manifest, several as an index of them.',
  },
  {
    name: 'policy',
    type: 'file',
    commands: deciding,
    defaultText: '`.image-custody.yml` if present, else the built-in policy',
    description:
      'Policy file. It replaces the built-in policy; `extends: builtin` keeps it. `verify` holds scans against it that are attached to the image.',
  },
  {
    name: 'fail-on',
    type: 'choice',
    commands: deciding,
    choices: ['critical', 'high', 'medium', 'low', 'none'],
    default: 'high',
    description: 'The built-in policy denies vulnerabilities of this severity and above.',
  },
  {
    name: 'advisories',
    type: 'text',
    commands: publishing,
    default: 'osv.dev',
    description:
      'Where advisories come from: `osv.dev`, the https URL of a service with its API, a directory of OSV records (`ECOSYSTEM/all.zip`), the file of a snapshot, or `registry:REFERENCE` of one that `mirror` has pushed. For `mirror`: `osv.dev`, the https URL of a mirror of its archives, or a directory.',
  },
  {
    name: 'advisories-certificate',
    type: 'file',
    defaultText: 'the certificate of signing-key',
    description:
      'PEM file of certificates. A snapshot from a registry has to be signed by one of them, or by a certificate that one of them has issued. Without it and without signing-key, `advisories` has to name a digest.',
  },
  {
    name: 'advisories-cache',
    type: 'text',
    defaultText: "a folder in the runner's tool cache",
    description: 'Folder that keeps snapshots from registries by their digest, or `off`.',
  },
  {
    name: 'ecosystem',
    type: 'list',
    commands: ['mirror'],
    defaultText: 'all that there are, of osv.dev those that can be matched',
    description: 'For `mirror`: ecosystems of the snapshot, as OSV writes them and without release, e.g. `Debian` and `npm`.',
  },
  {
    name: 'snapshot',
    type: 'file',
    commands: ['mirror'],
    defaultText: 'empty',
    description: 'For `mirror`: file that the snapshot is written to.',
  },
  {
    name: 'reference',
    type: 'list',
    commands: ['verify'],
    defaultText: 'empty',
    description: 'For `verify`: images, by tag or digest as in `registry.example.com/team/app:1.2`, or `oci:DIR[:TAG]`.',
  },
  {
    name: 'deployment',
    type: 'list',
    commands: ['verify'],
    defaultText: 'empty',
    description:
      'For `verify`: files, folders or patterns (`deploy/**/*.yaml`) whose images are verified: Kubernetes manifests, what `helm template` and `kustomize build` print, kustomizations, Compose files. On the command line `-` is the standard input.',
  },
  {
    name: 'compose-variable',
    type: 'list',
    commands: ['verify'],
    defaultText: 'the `.env` file beside the Compose file',
    description: 'For `verify`: variables of Compose files, as `NAME=VALUE` lines.',
  },
  {
    name: 'pin',
    type: 'flag',
    commands: ['verify'],
    default: 'false',
    description: 'For `verify`: write the digest of each verified image into the files of the deployment.',
  },
  {
    name: 'trusted-registry',
    type: 'list',
    commands: ['verify'],
    defaultText: 'empty: any',
    description:
      'For `verify`: registries that images may come from, as `HOST` or `HOST/PATH`, in which `*` is a part of a name and `**` any number of parts. Others are not even asked.',
  },
  {
    name: 'trusted-certificate',
    type: 'file',
    commands: ['verify'],
    defaultText: 'empty',
    description:
      'For `verify`: file of certificates (PEM, DER or PKCS#7). Notary Project signatures count that are by one of them, or by a certificate that one of them has issued.',
  },
  {
    name: 'trust-policy',
    type: 'file',
    commands: ['verify'],
    defaultText: 'empty',
    description:
      "For `verify`: the Notary Project's `trustpolicy.json`, which says whose signatures count for which repositories, read as notation reads it.",
  },
  {
    name: 'trust-store',
    type: 'file',
    commands: ['verify'],
    defaultText: '`truststore` beside the trust policy',
    description: 'For `verify`: folder with the trust stores of that policy (`x509/TYPE/NAME`).',
  },
  {
    name: 'cosign-key',
    type: 'list',
    commands: ['verify'],
    defaultText: 'empty',
    description: 'For `verify`: PEM files of public keys whose cosign signatures count.',
  },
  {
    name: 'cosign-identity',
    type: 'list',
    commands: ['verify'],
    defaultText: 'empty',
    description:
      'For `verify`: identities whose keyless cosign signatures count, as `ISSUER SUBJECT` lines; either may be a regular expression between slashes, which has to match the whole.',
  },
  {
    name: 'require',
    type: 'list',
    commands: ['verify'],
    defaultText: '`digest` and `signature`',
    description:
      'For `verify`: what each image has to have: `digest` (in the deployment), `signature` (by anybody who is trusted), `notation`, `cosign` (a signature of that system); signed evidence: `sbom`, `provenance`, `scan` (held against the policy of today), `verdict`; or `none`.',
  },
  {
    name: 'receipt',
    type: 'list',
    commands: ['verify'],
    defaultText: 'empty',
    description: 'For `verify`: JSON reports of the runs of `secure` that published the images. What they attached is looked at first.',
  },
  {
    name: 'evidence-max-age',
    type: 'text',
    commands: ['verify'],
    defaultText: 'empty: any age',
    description: 'For `verify`: how old a scan and a verdict may be, e.g. `12h` or `30d`.',
  },
  {
    name: 'known-exploited',
    type: 'text',
    defaultText: 'empty',
    description:
      "CISA's catalogue of known exploited vulnerabilities, `known_exploited_vulnerabilities.json`: the file, or its https URL. Findings in it are marked, and the policy can refuse them.",
  },
  {
    name: 'epss',
    type: 'text',
    defaultText: 'empty',
    description:
      'How probable exploitation is: the scores of EPSS, `epss_scores-current.csv` or `.csv.gz`, the file or its https URL. The policy can refuse by them.',
  },
  {
    name: 'key-vault',
    type: 'text',
    commands,
    defaultText: 'empty',
    description: 'Name or URL of the Azure Key Vault that holds the secrets and the signing key.',
  },
  {
    name: 'secrets',
    type: 'list',
    commands,
    defaultText: 'empty',
    description: 'Key Vault secrets that this run needs, as `NAME = secret-name` lines. Other inputs refer to one as `secret:NAME`.',
  },
  {
    name: 'export-secrets',
    type: 'list',
    defaultText: 'empty: none',
    description:
      'Names out of `secrets` that later steps may have: on GitHub as masked outputs of this step, on Azure Pipelines as secret variables. Only after a run that passed. Whatever runs in a step that names one can read it.',
  },
  {
    name: 'azure-service-connection',
    type: 'azure-connection',
    onlyOn: 'azure-pipelines',
    commands,
    defaultText: 'empty',
    description:
      'Azure Resource Manager service connection whose identity reads the vault and pushes: by workload identity federation, with a secret or certificate, or a managed identity.',
  },
  {
    name: 'azure-identity',
    type: 'choice',
    commands,
    choices: identityKinds,
    default: 'auto',
    description: 'How the run proves to Azure who it is; `auto` takes the first that is there, `none` has no Azure identity.',
  },
  {
    name: 'azure-tenant-id',
    type: 'text',
    commands,
    defaultText: '`AZURE_TENANT_ID`',
    description: 'Microsoft Entra tenant of the identity that reads the vault and pushes.',
  },
  {
    name: 'azure-client-id',
    type: 'text',
    commands,
    defaultText: '`AZURE_CLIENT_ID`',
    description:
      'Client id of that identity: of an application that the run is federated with or holds a secret or certificate of, or of a user-assigned managed identity.',
  },
  {
    name: 'registry-username',
    type: 'credential',
    commands,
    defaultText: "Docker's configuration file",
    description: 'User name for registries that take a password.',
  },
  {
    name: 'registry-password',
    type: 'credential',
    commands,
    defaultText: "Entra ID for Azure Container Registry, else Docker's configuration file",
    description: 'Password for that user: `secret:NAME`.',
  },
  {
    name: 'allow-registry-admin',
    type: 'flag',
    commands,
    default: 'false',
    description:
      'Log in to Azure Container Registry as its admin user, too. Without this it is refused: everybody shares its password, and it may do everything.',
  },
  {
    name: 'registry-token-host',
    type: 'list',
    commands,
    defaultText: 'the known ones',
    description:
      'Token services at another host than their registry, as `REGISTRY=HOST` lines: that registry may have its credential sent there, e.g. `registry.example.com=gitlab.example.com`.',
  },
  {
    name: 'sign',
    type: 'list',
    commands: publishing,
    defaultText: '`notation` when signing-key is set',
    description: 'Signatures to attach: `notation` (Notary Project), `cosign`, both with the same key, or `none`.',
  },
  {
    name: 'signing-key',
    type: 'text',
    commands: publishing,
    defaultText: 'empty',
    description:
      'Key Vault certificate: its name or id, with `,CHAIN.pem` where an authority issued it; `file:KEY.pem,CERTIFICATES.pem`; for cosign alone a key (also `https://VAULT/keys/NAME`) needs no certificates. In place of CHAIN.pem, `secret:NAME` or the PEM itself.',
  },
  {
    name: 'signing-key-password',
    type: 'credential',
    commands: publishing,
    defaultText: 'empty',
    description: 'Password of an encrypted key file, such as cosign makes them: `secret:NAME`.',
  },
  {
    name: 'trusted-root',
    type: 'text',
    commands,
    defaultText: 'that of the public instance, as of the release',
    description: 'File `trusted_root.json` of a Sigstore instance, by which signatures by identities are verified.',
  },
  {
    name: 'fulcio-url',
    type: 'text',
    commands,
    defaultText: '`https://fulcio.sigstore.dev`',
    description: 'Certificate authority of a private Sigstore instance, for `signing-key: keyless`. Needs trusted-root.',
  },
  {
    name: 'rekor-url',
    type: 'text',
    commands,
    defaultText: '`https://rekor.sigstore.dev`',
    description: 'Log of a private Sigstore instance, for `signing-key: keyless`. Needs trusted-root.',
  },
  {
    name: 'signature-format',
    type: 'choice',
    commands: publishing,
    choices: ['jws', 'cose'],
    default: 'jws',
    description: 'Envelope of Notary Project signatures.',
  },
  {
    name: 'signature-expiry',
    type: 'text',
    commands: publishing,
    defaultText: 'empty: as long as the certificate',
    description: 'How long a Notary Project signature holds, e.g. `12h` or `90d`.',
  },
  {
    name: 'timestamp-url',
    type: 'text',
    commands: publishing,
    defaultText: 'empty: no timestamps',
    description: 'Timestamp authority (RFC 3161) that countersigns Notary Project signatures, so that they outlive their certificate.',
  },
  {
    name: 'timestamp-certificate',
    type: 'file',
    commands: publishing,
    defaultText: 'empty',
    description: 'File, PEM or DER, of the root certificate of the authority in `timestamp-url`.',
  },
  {
    name: 'signature-metadata',
    type: 'list',
    defaultText: 'empty',
    description: 'What is signed along with the image, as `NAME=VALUE` lines: user metadata of notation, annotations of cosign.',
  },
  {
    name: 'cosign-format',
    type: 'choice',
    choices: ['bundle', 'legacy', 'both'],
    default: 'bundle',
    description:
      'Form of cosign signatures: Sigstore bundles as referrers (`bundle`, cosign 3), layers at the tag `sha256-….sig` (`legacy`, cosign 2), or both.',
  },
  {
    name: 'referrers',
    type: 'choice',
    commands: publishing,
    choices: ['auto', 'api', 'both'],
    default: 'auto',
    description:
      'Where signatures and evidence are to be found: by the referrers API of the registry, or at a tag where it has none (`auto`), by the API alone (`api`), or by both, for clients that know only the tag.',
  },
  {
    name: 'sbom',
    type: 'list',
    default: 'cyclonedx',
    description: 'Software bills of materials to attach to what is published: `cyclonedx` (1.6), `spdx` (2.3), both, or `none`.',
  },
  {
    name: 'attest',
    type: 'list',
    defaultText: 'all of them when signing-key is set',
    description:
      'Statements to sign and attach with the key of signing-key: `sbom`, `provenance` (the run), `scan` (all findings), `verdict` (what the policy said, and until when), or `none`.',
  },
  {
    name: 'prune-evidence',
    type: 'flag',
    default: 'false',
    description:
      'Delete what earlier runs with the same key have attested to the same image of the kinds in attest, once what is new is in place.',
  },
  {
    name: 'dockerfile',
    type: 'file',
    defaultText: '`Dockerfile` in the repository, if present',
    description: 'Dockerfile of the image, so that findings are shown on the line that caused them.',
  },
  {
    name: 'annotations',
    type: 'flag',
    commands: deciding,
    default: 'true',
    description: 'Annotate the run and the lines that caused findings.',
  },
  { name: 'comment', type: 'flag', commands: deciding, default: 'true', description: 'Keep one comment on the pull request up to date.' },
  { name: 'summary', type: 'flag', commands: deciding, default: 'true', description: 'Write the report to the summary of the run.' },
  {
    name: 'report',
    type: 'file',
    commands: deciding,
    defaultText: "a file in the runner's temporary folder",
    description: 'File for the JSON report.',
  },
  {
    name: 'github-token',
    type: 'credential',
    commands: deciding,
    onlyOn: 'github',
    githubDefault: '${{ github.token }}',
    defaultText: '`${{ github.token }}`',
    description: 'Token for the comment (`pull-requests: write`) and the check run (`checks: write`).',
  },
  {
    name: 'compression',
    type: 'choice',
    choices: ['gzip', 'zstd', 'keep'],
    default: 'gzip',
    description:
      'For layers that arrive uncompressed; `zstd` is smaller and faster, and needs containerd 1.5 or Docker 23 to be pulled. Compressed layers are published byte for byte.',
  },
  {
    name: 'insecure-registry',
    type: 'list',
    commands,
    defaultText: 'empty',
    description: 'Registry hosts that may be spoken to over http. Loopback hosts always may.',
  },
] as const satisfies readonly Input[];

export type InputName = (typeof inputs)[number]['name'];

/** The outputs of the step on both hosts. */
export const outputs = [
  {
    name: 'digest',
    description:
      'Digest of the image, or of the index where it is one. Empty for a `docker save` image that is not pushed: it has none yet.',
  },
  { name: 'references', description: 'What was published, one `registry/repository:tag@digest` a line.' },
  { name: 'verdict', description: '`pass`, `deny` or `undecided`.' },
  { name: 'denied-by', description: 'Names of the policy rules that deny, one a line.' },
  { name: 'findings', description: 'Number of findings.' },
  { name: 'critical', description: 'Number of critical findings.' },
  { name: 'high', description: 'Number of findings of high severity.' },
  { name: 'report', description: 'Path of the JSON report.' },
  { name: 'sbom', description: 'Digests of the attached bills of materials, one a line.' },
  { name: 'signatures', description: 'Digests of the attached signatures of the image, one a line.' },
  { name: 'attestations', description: 'Digests of the attached signed statements, one a line.' },
] as const satisfies readonly Output[];

export type OutputName = (typeof outputs)[number]['name'];

/** `fail-on` as Azure Pipelines spells it: `failOn`. */
export function toCamelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
