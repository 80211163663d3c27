import { StepError } from '../../lib/step-error.ts';

export type AzureInputErrorCode = 'variable-undefined';

/**
 * The inputs that were given, by name as the table of inputs spells them, trimmed; an empty one counts as not given. The task's `failOn` for
 * `fail-on` arrives as `INPUT_FAILON` (azure-pipelines-agent, VarUtil.cs: upper case, dots and blanks become `_`). The agent hands over what
 * `task.json` does not name, too, and says nothing: such an input is there under its name in lower case.
 *
 * @throws StepError where a value is a `$(variable)` that the agent did not replace, since there is no such variable.
 */
export function readInputs(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): Readonly<Record<string, string>> {
  const known = new Map(names.map((name) => [`INPUT_${name.replaceAll('-', '').replace(/[. ]/g, '_').toUpperCase()}`, name]));
  const inputs: Record<string, string> = {};
  for (const [variable, text] of Object.entries(env)) {
    const value = text?.trim();
    if (!variable.startsWith('INPUT_') || value === undefined || value === '') continue;
    const name = known.get(variable);
    if (name !== undefined && /^\$\([\w.-]+\)$/.test(value)) throw undefinedVariable(name, value);
    inputs[name ?? variable.slice('INPUT_'.length).toLowerCase()] = value;
  }
  return inputs;
}

function undefinedVariable(name: string, value: string): StepError<AzureInputErrorCode> {
  return new StepError({
    code: 'variable-undefined',
    origin: 'input',
    message: `Cannot read the input ${name}: its value ${value} is a variable that is not defined in this run.`,
    hint: 'Define the variable, or link the variable group that has it. Secret variables are not given to builds of forks unless the pipeline says so.',
  });
}
