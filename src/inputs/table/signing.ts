import { commands, type Input, publishing } from '../input.ts';

/** What is signed and attached, by whom, and how. */
export const signingInputs = [
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
    commands: publishing,
    defaultText: '`https://fulcio.sigstore.dev`',
    description: 'Certificate authority of a private Sigstore instance, for `signing-key: keyless`. Needs trusted-root.',
  },
  {
    name: 'rekor-url',
    type: 'text',
    commands: publishing,
    defaultText: '`https://rekor.sigstore.dev`',
    description: 'Log of a private Sigstore instance, for `signing-key: keyless`. Needs trusted-root.',
  },
  {
    name: 'signing-config',
    type: 'text',
    commands: publishing,
    defaultText: 'empty',
    description:
      'File `signing_config.v0.2.json` of a Sigstore instance, for `signing-key: keyless`: its certificate authority, logs and timestamp authorities, in place of fulcio-url and rekor-url.',
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
] as const satisfies readonly Input[];
