import { tmpdir } from 'node:os';
import { toClipped, toVisibleLine } from '../../lib/visible-text.ts';
import type { Host, Progress } from '../host.ts';
import { toProgressText } from '../progress-text.ts';

export interface ShellHostOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** The current folder. */
  readonly workspace: string;
}

/** As far as the host needs Node's `tty.WriteStream`, or a pipe, which has only `write`. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Redrawing more often would only flicker. */
const redrawIntervalMs = 100;

/** A shell: the log goes to standard error, the table, and nothing but it, to standard output. Secrets are not printed at all. */
export function createShellHost({ env, stdout, stderr, workspace }: ShellHostOptions): Host {
  const logColour = wantsColour(env, stderr);
  const redraws = stderr.isTTY === true && env.TERM !== 'dumb' && !env.CI;
  let drawn = false;
  let drawnAtMs = Number.NEGATIVE_INFINITY;

  function line(text: string): void {
    stderr.write(`${drawn ? eraseLine : ''}${text}\n`);
    drawn = false;
  }

  function progress(state: Progress): void {
    if (state.finished) {
      drawnAtMs = Number.NEGATIVE_INFINITY;
      line(toProgressText(state));
    } else if (redraws && state.elapsedMs - drawnAtMs >= redrawIntervalMs) {
      drawnAtMs = state.elapsedMs;
      stderr.write(`${eraseLine}${toClipped(toProgressText(state), Math.max(10, (stderr.columns ?? 80) - 1))}`);
      drawn = true;
    }
  }

  return {
    kind: 'shell',
    workspace,
    temporaryFolder: tmpdir(),
    summaryFormat: { kind: 'table', colour: wantsColour(env, stdout), columns: stdout.columns ?? 120 },
    mask() {},
    log(level, text) {
      line(level === 'warning' ? `${paint('warning:', '33', logColour)} ${toPlainLine(text)}` : toPlainLine(text));
    },
    progress,
    async annotate() {},
    async summarise(text) {
      if (drawn) stderr.write(eraseLine);
      drawn = false;
      stdout.write(`${keepStyles(text)}\n`);
    },
    async comment() {},
    secretOutputs: 'none',
    output() {},
    fail(error) {
      line(`${paint('error:', '31', logColour)} ${toPlainLine(error.message)}`);
      line(`       ${toPlainLine(error.hint)}`);
    },
  };
}

/** Carriage return and "erase in line": ECMA-48, 8.3.41. */
const eraseLine = '\r\u001b[2K';

/** https://no-color.org and https://force-color.org */
function wantsColour(env: Readonly<Record<string, string | undefined>>, stream: TextStream): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '') return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

function paint(text: string, style: string, colour: boolean): string {
  return colour ? `\u001b[${style}m${text}\u001b[0m` : text;
}

/** The renderer's own colours ("select graphic rendition") pass; no other control character does. */
function keepStyles(text: string): string {
  return text
    .split(/(\u001b\[[0-9;]*m|\n)/)
    .map((part, index) => (index % 2 === 1 ? part : toPlainLine(part)))
    .join('');
}

/**
 * One line that acts neither on a terminal nor, where the shell is a step of a CI job, on a runner: GitHub's takes `::command::` at the start of a line
 * and `##[command]` anywhere in it (actions/runner ActionCommand.cs), Azure's `##vso[command]` (azure-pipelines-agent Command.cs).
 */
function toPlainLine(text: string): string {
  return toVisibleLine(text)
    .replace(/##(?=\[|vso)/gi, '#\\#')
    .replace(/^(\s*)::/, '$1\\::');
}
