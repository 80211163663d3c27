import type { Host } from '../host/host.ts';
import type { Settings } from '../inputs/settings.ts';
import { isMaskable, shortestMask } from '../lib/secret-forms.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import { StepError } from '../lib/step-error.ts';
import type { Credentials } from './credentials.ts';

/** Throws a StepError `input-conflict` where secrets are to be exported and the host has nobody to hand them to. */
export function verifyExport({ exportSecrets }: Pick<Settings, 'exportSecrets'>, host: Host): void {
  if (exportSecrets.length === 0 || host.secretOutputs !== 'none') return;
  throw new StepError({
    code: 'input-conflict',
    origin: 'input',
    message:
      'The input export-secrets is given, and there are no later steps that could be handed a masked variable: this is a shell, not a step of a job',
    hint: 'Leave export-secrets out and read the vault where the value is needed: az keyvault secret show --vault-name VAULT --name NAME --query value --output tsv.',
  });
}

/** The secrets that later steps may have. Throws a StepError `secret-unexportable` for one whose value the host cannot keep out of its log. */
export function toExportedSecrets(
  { exportSecrets }: Pick<Settings, 'exportSecrets'>,
  { secrets }: Pick<Credentials, 'secrets'>,
  host: Host,
): ReadonlyMap<string, SecretValue> {
  const exported = new Map([...secrets].filter(([name]) => exportSecrets.includes(name)));
  for (const [name, secret] of exported) {
    const fault = findFault(secret.reveal(), host);
    if (fault === undefined) continue;
    throw new StepError({
      code: 'secret-unexportable',
      origin: 'vault',
      message: `Cannot export the secret ${name} to later steps: ${fault.reason}`,
      hint: fault.hint,
    });
  }
  return exported;
}

/** Hands secrets to later steps, which have them where they name them. Only after a run that passed: who comes after a denied image has no use for credentials. */
export function exportSecrets(exported: ReadonlyMap<string, SecretValue>, host: Host): void {
  for (const [name, secret] of exported) host.output(name, secret);
  if (exported.size === 0) return;
  const names = [...exported.keys()].join(', ');
  host.log(
    'info',
    `Handed to later steps of this job (input export-secrets): ${names}. Whatever runs in a step that names one can read it.`,
  );
}

function findFault(value: string, host: Host): { readonly reason: string; readonly hint: string } | undefined {
  if (!isMaskable(value)) {
    return {
      reason: `it has no line of ${shortestMask} characters, and the host could not keep it out of the log without blotting that out`,
      hint: 'Store a longer value, or leave it out of export-secrets.',
    };
  }
  if (value.includes('\0')) {
    return { reason: 'it holds a NUL character, which no variable can', hint: 'Store it in base64, and decode it where it is used.' };
  }
  if (host.secretOutputs === 'single-line' && /[\r\n]/.test(value)) {
    const ending = /^[^\r\n]*[\r\n]+$/.test(value) ? ' Only its end has one: store the value without it.' : '';
    return {
      reason: 'it has more than one line, and the agent of Azure Pipelines refuses a secret variable with an end of a line',
      hint:
        `Store it in base64, and decode it where it is used.${ending} Or set the variable SYSTEM_UNSAFEALLOWMULTILINESECRET of the pipeline to true: ` +
        'this step masks each line of it, as the agent asks for.',
    };
  }
  return undefined;
}
