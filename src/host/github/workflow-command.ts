import { toVisibleLine, toVisibleLines } from '../../lib/visible-text.ts';

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; parsed by actions/runner, ActionCommand.cs. */
export type WorkflowCommand = 'add-mask' | 'error' | 'warning' | 'notice';

/** One line (with its end) that the runner takes as the command. Properties without a value are left out. */
export function toWorkflowCommand(
  command: WorkflowCommand,
  properties: Readonly<Record<string, string | undefined>>,
  data: string,
): string {
  const pairs = Object.entries(properties).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}=${escapeProperty(value)}`],
  );
  return `::${command}${pairs.length === 0 ? '' : ` ${pairs.join(',')}`}::${escapeData(data)}\n`;
}

/**
 * Plain text as one line (with its end) of which the runner takes nothing as a command: it looks for `::` at the start of a line, after
 * blanks, and for `##[` anywhere in it.
 */
export function toLogLine(text: string): string {
  return `${disarm(toVisibleLine(text)).replace(/^(\s*)::/, '$1\\::')}\n`;
}

/** Text for a command's data, where line feeds stay: the runner shows it in the log, where `##[group]` still folds lines. */
export function toMessage(text: string): string {
  return disarm(toVisibleLines(text));
}

function disarm(text: string): string {
  return text.replaceAll('##[', '##\\[');
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
