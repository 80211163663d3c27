import { cultureIndexOf, readLines, replaceAll, splitInTwo, splitNonEmpty } from './oracle-dotnet.ts';

/** What the Azure Pipelines agent does with a task's output, ported from microsoft/azure-pipelines-agent 42bde98 (Command.cs, CommandStringConvertor.cs). */
export interface AgentCommand {
  readonly area: string;
  readonly event: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly data: string;
}

/** Every command that the agent finds in the output of a task, of whatever area: unknown ones are warned of. */
export function readAgentCommands(output: string): AgentCommand[] {
  return readLines(output).flatMap((line) => tryParse(line) ?? []);
}

/** Lines that are no command and make the agent warn "##vso command detected": they hold `##vso`. */
export function readAgentWarnings(output: string): string[] {
  return readLines(output).filter((line) => tryParse(line) === undefined && cultureIndexOf(line, '##vso') !== undefined);
}

/** Lines that the log view formats, folds or colours. */
export function readFormattedLines(output: string): string[] {
  return readLines(output).filter((line) => tryParse(line) === undefined && cultureIndexOf(line, '##[') !== undefined);
}

export function tryParse(message: string): AgentCommand | undefined {
  if (message === '') return undefined;
  const prefix = cultureIndexOf(message, '##vso[');
  if (prefix === undefined) return undefined;
  const bracket = message.indexOf(']', prefix.index);
  if (bracket < 0) return undefined;
  const info = message.slice(prefix.index + prefix.length, bracket);
  const space = info.indexOf(' ');
  const [area, event, more] = splitNonEmpty(space < 0 ? info : info.slice(0, space), '.');
  if (area === undefined || event === undefined || more !== undefined) return undefined;
  const properties = new Map<string, string>();
  if (space > 0) {
    for (const property of splitNonEmpty(info.slice(space + 1), ';')) {
      const [name, value] = splitInTwo(property, '=');
      if (name !== undefined && value !== undefined) properties.set(name.toLowerCase(), decode(value));
    }
  }
  return { area, event, properties, data: decode(message.slice(bracket + 1)) };
}

/** With the knob DECODE_PERCENTS as it is by default: on. */
function decode(text: string): string {
  return replaceAll(text, [
    [';', '%3B'],
    ['\r', '%0D'],
    ['\n', '%0A'],
    [']', '%5D'],
  ]).replaceAll('%AZP25', '%');
}
