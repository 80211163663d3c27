import { deciding, type Input, publishing } from '../input.ts';

/** What an image is held against. */
export const policyInputs = [
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
] as const satisfies readonly Input[];
