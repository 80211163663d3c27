import type { Input } from './input.ts';
import { credentialInputs } from './table/credentials.ts';
import { imageInputs } from './table/image.ts';
import { mirrorInputs } from './table/mirror.ts';
import { policyInputs } from './table/policy.ts';
import { reportInputs } from './table/report.ts';
import { signingInputs } from './table/signing.ts';
import { verificationInputs } from './table/verification.ts';

export interface Output {
  readonly name: string;
  readonly description: string;
}

/** Inputs that belong together, under one heading in the README, in the form of Azure Pipelines and in `--help`. */
export interface InputGroup {
  readonly name: string;
  readonly title: string;
  readonly inputs: readonly Input[];
}

/** Every input of the step; action.yml, task.json, `--help` and the README's tables are generated from here. */
export const inputGroups = [
  { name: 'image', title: 'Image and destinations', inputs: imageInputs },
  { name: 'policy', title: 'Policy and advisories', inputs: policyInputs },
  { name: 'signing', title: 'Signatures and evidence', inputs: signingInputs },
  { name: 'credentials', title: 'Credentials and registries', inputs: credentialInputs },
  { name: 'verification', title: 'Verification', inputs: verificationInputs },
  { name: 'report', title: 'Report', inputs: reportInputs },
  { name: 'mirror', title: 'Mirror of the advisories', inputs: mirrorInputs },
] as const satisfies readonly InputGroup[];

type KnownInput = (typeof inputGroups)[number]['inputs'][number];

/** In the order of their groups. */
export const inputs = inputGroups.flatMap((group): readonly KnownInput[] => group.inputs);

export type InputName = KnownInput['name'];

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
