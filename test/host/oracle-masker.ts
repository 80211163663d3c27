/** What the runners take out of a line, ported from actions/runner 258d6c8 (SecretMasker.cs, ValueEncoders.cs) and azure-pipelines-agent 42bde98 (HostContext.cs). */
type Encoder = (value: string) => string;

/** Uri.EscapeDataString. */
const uri: Encoder = (value) =>
  encodeURIComponent(value).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
/** JsonConvert.ToString without its quotes. */
const json: Encoder = (value) => JSON.stringify(value).slice(1, -1);
const base64Shift =
  (shift: number): Encoder =>
  (value) => {
    const bytes = Buffer.from(value, 'utf8');
    return bytes.subarray(bytes.length > shift ? shift : 0).toString('base64');
  };

/** Those that change letters; the others of the runner cut or quote for shells. */
const githubEncoders: readonly Encoder[] = [base64Shift(0), base64Shift(1), base64Shift(2), json, uri];
const agentEncoders: readonly Encoder[] = [json, uri, (value) => value.replaceAll('\\', '\\\\')];

/** A log as GitHub shows it, by the texts that were given to `add-mask`. */
export function maskAsGithub(log: string, values: Iterable<string>): string {
  return mask(log, values, githubEncoders);
}

/** A log as Azure Pipelines shows it, by the texts that were given to `task.setsecret`. */
export function maskAsAgent(log: string, values: Iterable<string>): string {
  return mask(log, values, agentEncoders);
}

function mask(log: string, values: Iterable<string>, encoders: readonly Encoder[]): string {
  const secrets = [...new Set([...values].flatMap((value) => [value, ...encoders.map((encode) => encode(value))]))].filter(
    (text) => text !== '',
  );
  return log
    .split('\n')
    .map((line) => maskLine(line, secrets))
    .join('\n');
}

/** Every place of every secret; places that touch or overlap become one. */
function maskLine(line: string, secrets: readonly string[]): string {
  const hidden = new Array<boolean>(line.length).fill(false);
  for (const secret of secrets) {
    for (let at = line.indexOf(secret); at >= 0; at = line.indexOf(secret, at + 1)) hidden.fill(true, at, at + secret.length);
  }
  return [...hidden.keys()].reduce((shown, at) => {
    if (!hidden[at]) return shown + line[at];
    return hidden[at - 1] ? shown : `${shown}***`;
  }, '');
}
