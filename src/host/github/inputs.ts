/**
 * The inputs that were given, by name, trimmed; an empty one counts as not given. The runner hands `fail-on` over as `INPUT_FAIL-ON`
 * (actions/runner, Handler.cs: upper case, blanks become `_`, dashes stay).
 */
export function readInputs(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): Readonly<Record<string, string>> {
  const inputs: Record<string, string> = {};
  for (const name of names) {
    const value = env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`]?.trim();
    if (value !== undefined && value !== '') inputs[name] = value;
  }
  return inputs;
}
