import type { Input } from '../input.ts';

/** What `verify` looks at, and what it asks of it. */
export const verificationInputs = [
  {
    name: 'reference',
    type: 'list',
    commands: ['verify'],
    defaultText: 'empty',
    description:
      'For `verify`: images, by tag or digest as in `registry.example.com/team/app:1.2`, `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`.',
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
] as const satisfies readonly Input[];
