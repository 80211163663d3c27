import { cultureIndexOf, readLines, replaceAll, splitInTwo, splitNonEmpty, trim, trimStart } from './oracle-dotnet.ts';

/** What the GitHub runner does with a step's output and files, ported from actions/runner 258d6c8 (ActionCommand.cs, ActionCommandManager.cs, FileCommandManager.cs). */
export interface RunnerCommand {
  readonly name: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly data: string;
}

/** ActionCommandManager registers the command of each extension, and stop-commands. `internal-set-repo-path` only for plug-ins. */
const registered = new Set([
  'stop-commands',
  'set-env',
  'set-output',
  'save-state',
  'add-mask',
  'add-path',
  'add-matcher',
  'remove-matcher',
  'debug',
  'warning',
  'error',
  'notice',
  'group',
  'endgroup',
  'echo',
]);

/** Every command that the runner finds in the output of a step. */
export function readRunnerCommands(output: string): RunnerCommand[] {
  return readLines(output).flatMap((line) => tryParseV2(line) ?? tryParse(line) ?? []);
}

/** `::command name=value,name=value::data` at the start of a line. */
export function tryParseV2(line: string): RunnerCommand | undefined {
  if (line === '') return undefined;
  const message = trimStart(line);
  const start = cultureIndexOf(message, '::');
  // StartsWith skips weightless characters too.
  if (start === undefined || !/^[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]*$/u.test(message.slice(0, start.index))) return undefined;
  const end = cultureIndexOf(message, '::', 2);
  if (end === undefined) return undefined;
  const info = message.slice(2, end.index);
  const space = info.indexOf(' ');
  const name = space < 0 ? info : info.slice(0, space);
  if (!registered.has(name.toLowerCase())) return undefined;
  const properties = space > 0 ? parseProperties(trim(info.slice(space + 1)), ',', unescapeProperty) : new Map<string, string>();
  return { name, properties, data: unescapeData(message.slice(end.index + 2)) };
}

/** `##[command name=value;name=value]data` anywhere in a line. */
export function tryParse(message: string): RunnerCommand | undefined {
  if (message === '') return undefined;
  const prefix = cultureIndexOf(message, '##[');
  if (prefix === undefined) return undefined;
  const bracket = message.indexOf(']', prefix.index);
  if (bracket < 0) return undefined;
  const info = message.slice(prefix.index + prefix.length, bracket);
  const space = info.indexOf(' ');
  const name = space < 0 ? info : info.slice(0, space);
  if (!registered.has(name.toLowerCase())) return undefined;
  const properties = space > 0 ? parseProperties(info.slice(space + 1), ';', decode) : new Map<string, string>();
  return { name, properties, data: decode(message.slice(bracket + 1)) };
}

function parseProperties(text: string, separator: string, decode: (value: string) => string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const property of splitNonEmpty(text, separator)) {
    const [name, value] = splitInTwo(property, '=');
    if (name !== undefined && value !== undefined) properties.set(name.toLowerCase(), decode(value));
  }
  return properties;
}

function decode(text: string): string {
  return replaceAll(text, [
    [';', '%3B'],
    ['\r', '%0D'],
    ['\n', '%0A'],
    [']', '%5D'],
    ['%', '%25'],
  ]);
}

function unescapeProperty(text: string): string {
  return replaceAll(text, [
    ['\r', '%0D'],
    ['\n', '%0A'],
    [':', '%3A'],
    [',', '%2C'],
    ['%', '%25'],
  ]);
}

function unescapeData(text: string): string {
  return replaceAll(text, [
    ['\r', '%0D'],
    ['\n', '%0A'],
    ['%', '%25'],
  ]);
}

/** The texts that `add-mask` commands register: the whole, and each trimmed line. */
export function readMasks(output: string): Set<string> {
  const masks = new Set<string>();
  for (const { name, data } of readRunnerCommands(output)) {
    if (name !== 'add-mask' || data.trim() === '') continue;
    masks.add(data);
    for (const line of data.split(/[\r\n]/)) if (trim(line) !== '') masks.add(trim(line));
  }
  return masks;
}

/** EnvFileKeyValuePairs on Linux: what a GITHUB_OUTPUT file sets. Throws where the runner would fail the step. */
export function readOutputFile(text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  let index = 0;
  function readLine(): { readonly line: string; readonly newline: '\n' | undefined } | undefined {
    if (index >= text.length) return undefined;
    const start = index;
    const at = text.indexOf('\n', index);
    index = at < 0 ? text.length : at + 1;
    return at < 0 ? { line: text.slice(start), newline: undefined } : { line: text.slice(start, at), newline: '\n' };
  }
  for (let read = readLine(); read !== undefined; read = readLine()) {
    const { line } = read;
    if (line === '') continue;
    const equals = line.indexOf('=');
    const heredoc = line.indexOf('<<');
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      pairs.set(line.slice(0, equals), line.slice(equals + 1));
    } else if (heredoc >= 0) {
      const [name, delimiter] = [line.slice(0, heredoc), line.slice(heredoc + 2)];
      if (name === '' || delimiter === '') throw new Error(`Invalid format '${line}'`);
      const start = index;
      let end = index;
      for (let inner = readLine(); inner?.line !== delimiter; inner = readLine()) {
        if (inner === undefined) throw new Error(`Matching delimiter not found '${delimiter}'`);
        if (inner.newline === undefined) throw new Error('EOF marker missing new line');
        end = index - 1;
      }
      pairs.set(name, end > start ? text.slice(start, end) : '');
    } else throw new Error(`Invalid format '${line}'`);
  }
  return pairs;
}
