/**
 * The inputs that were given, by name, trimmed; an empty one counts as not given. The runner hands `fail-on` over as `INPUT_FAIL-ON`
 * (actions/runner, Handler.cs: upper case, blanks become `_`, dashes stay). It hands over what `action.yml` does not name, too, and only warns:
 * such an input is there under its name in lower case.
 */
export function readInputs(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): Readonly<Record<string, string>> {
  const known = new Map(names.map((name) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, name]));
  const inputs: Record<string, string> = {};
  for (const [variable, text] of Object.entries(env)) {
    const value = text?.trim();
    if (!variable.startsWith('INPUT_') || value === undefined || value === '') continue;
    inputs[known.get(variable) ?? variable.slice('INPUT_'.length).toLowerCase()] = value;
  }
  return inputs;
}
