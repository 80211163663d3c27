import { toVisibleLine, toVisibleLines } from '../../lib/visible-text.ts';

/** https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands; parsed by azure-pipelines-agent, Command.cs. */
export type LoggingCommand = 'task.setsecret' | 'task.logissue' | 'task.complete' | 'task.setvariable' | 'task.uploadsummary';

/** One line (with its end) that the agent takes as the command. Properties without a value are left out. */
export function toLoggingCommand(command: LoggingCommand, properties: Readonly<Record<string, string | undefined>>, data: string): string {
  const pairs = Object.entries(properties).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}=${escapeText(value)};`],
  );
  return `##vso[${command}${pairs.length === 0 ? '' : ` ${pairs.join('')}`}]${escapeText(data)}\n`;
}

/** Plain text as one line (with its end) in which the agent finds no `##vso[`, and its log view no `##[group]`, wherever they stand. */
export function toLogLine(text: string): string {
  return `${disarm(toVisibleLine(text))}\n`;
}

/** Text for a command's data, where line feeds stay. */
export function toMessage(text: string): string {
  return disarm(toVisibleLines(text));
}

function disarm(text: string): string {
  return text.replace(/##(?=\[|vso)/gi, '#\\#');
}

/**
 * azure-pipelines-agent CommandStringConvertor.cs: `%AZP25` first, for it is undone last. All of it in data too, where the agent would take
 * `%3B` and `%5D` of the text itself for escapes.
 */
export function escapeText(text: string): string {
  return text.replaceAll('%', '%AZP25').replaceAll(';', '%3B').replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll(']', '%5D');
}
