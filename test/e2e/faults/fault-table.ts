import type { SeenExchange } from './fault-proxy.ts';
import type { FaultRun } from './fault-run.ts';
import type { NamedFault } from './proxy-fault.ts';

/** `once`: this exchange alone. `from then on`: it and all that follow. `its kind`: it and all of its kind that follow. */
export const modes = ['once', 'from then on', 'its kind'] as const;
export type Mode = (typeof modes)[number];

/** One run of the table: which exchange has which fault, how often. */
export interface Case {
  readonly exchange: SeenExchange;
  readonly fault: NamedFault;
  readonly mode: Mode;
}

export interface CaseResult extends Case {
  readonly run: FaultRun;
}

/** Whether a fault can happen to an exchange at all: there are no bodies to cut where there are none. */
export function isApplicable({ fault }: NamedFault, exchange: SeenExchange): boolean {
  const mayHaveBody = !exchange.kind.startsWith('HEAD') && !exchange.kind.startsWith('DELETE');
  switch (fault.kind) {
    case 'reset':
      return fault.afterPart === undefined || exchange.requestBytes > 0;
    case 'cut-answer':
      return fault.within === 'head' || exchange.answerBytes > 1;
    case 'wrong-length':
      return mayHaveBody && (fault.byBytes > 0 || exchange.answerBytes > 1);
    case 'expired':
      return !exchange.kind.endsWith('token') && (fault.early !== true || exchange.requestBytes > 0);
    case 'wrong-digest':
      return /manifest|tag|PUT upload|blob/.test(exchange.kind);
    default:
      return true;
  }
}

/** What is wrong with how a run has ended; undefined for nothing. `digest`: that of the run without faults. `old`: what the tag was before. */
export function judge({ fault, mode, exchange, run }: CaseResult, digest: string, old: string | undefined): string | undefined {
  const { exitCode, published, openUploads } = run;
  // A blob that is larger than its descriptor says is refused before a byte of it is read.
  const cost = exchange.kind === 'GET blob' && fault.fault.kind === 'wrong-length' ? 'refusal' : fault.cost;
  const isOld = old === undefined ? published.kind === 'untagged' : published.kind === 'tagged' && published.digest === old;
  const isWhole =
    published.kind === 'tagged' && published.digest === digest && published.problems.length === 0 && published.attached.length === 2;
  if (exitCode !== 0 && exitCode !== 3) return `ends with ${exitCode}`;
  if (exitCode === 0 && !isWhole) return 'ends with 0, and not everything is there';
  if (!isOld && !isWhole) return 'published by halves';
  if (run.elapsedMs > 15 * 60_000) return `takes ${Math.round(run.elapsedMs / 1000)} s`;
  if (cost === 'delay' && exitCode !== 0) return 'ends with 3, though it is only slow';
  if (mode === 'once' && cost === 'passes') {
    if (exitCode !== 0) return 'ends with 3, though the fault passes';
    // What the step never heard of, or what Distribution has more of than it said, is the registry's to forget.
    const isPartKept = exchange.kind === 'PUT upload' && fault.fault.kind === 'reset';
    const unheard = exchange.kind === 'POST uploads' || isPartKept ? 1 : 0;
    // Who waits a hundredth of the time gives up on others too where the machine is slow.
    if (openUploads > unheard && fault.fault.kind !== 'silent') return `leaves ${openUploads} uploads open`;
    // Look-ups for what could be reused, which there are only where there is an older image, are not repeated.
    if (old === undefined && run.elapsedMs - run.realMs < (fault.waitMs ?? 0)) return 'does not wait as long as it was told to';
  }
  // Giving an upload up never decides over a run, nor what comes after the tag has moved and was read back.
  const isNeedless = /DELETE/.test(exchange.kind);
  if (mode === 'from then on' && cost === 'passes' && !isNeedless && exitCode === 0) return 'ends with 0, though nothing gets through';
  return undefined;
}

/** The table: a line for each kind of exchange, a column for each fault, in each cell the exit codes of each mode, and `.` where there is nothing to do. */
export function toTable(results: readonly CaseResult[], faults: readonly NamedFault[]): string {
  const kinds = [...new Set(results.map(({ exchange }) => exchange.kind))];
  const width = Math.max(...kinds.map((kind) => kind.length)) + 5;
  const cells = kinds.map((kind) => {
    const ofKind = results.filter(({ exchange }) => exchange.kind === kind);
    const count = new Set(ofKind.map(({ exchange }) => exchange.occurrence)).size;
    const row = faults.map(({ name }) =>
      modes.map((mode) => exitCodes(ofKind.filter((result) => result.fault.name === name && result.mode === mode))).join(' '),
    );
    return [`${kind} (${count})`.padEnd(width), ...row];
  });
  const widths = faults.map(({ name }, at) => Math.max(name.length, ...cells.map((row) => (row[at + 1] ?? '').length)));
  const head = ['exchange'.padEnd(width), ...faults.map(({ name }) => name)];
  return [head, ...cells].map((row) => row.map((cell, at) => (at === 0 ? cell : cell.padEnd(widths[at - 1] ?? 0))).join(' | ')).join('\n');
}

function exitCodes(results: readonly CaseResult[]): string {
  return results.length === 0 ? '.' : [...new Set(results.map(({ run }) => run.exitCode))].sort().join(',');
}
