import { toClipped, toVisibleLine, toVisibleLines } from '../../lib/visible-text.ts';
import type { Annotation } from '../../model/annotation.ts';
import type { RunOutcome } from '../host.ts';
import { type GitHubApi, isRefused } from './api.ts';

/** https://docs.github.com/en/rest/checks/runs: at most 50 annotations a request; later requests append theirs. */
const annotationsPerRequest = 50;
/** Ten requests: what is beyond stands in the summary. Creating content is limited to 80 requests a minute. */
const annotationsPerCheckRun = 500;
const summaryMaxBytes = 65_535;

export interface CheckRunTarget {
  readonly repository: string;
  readonly headSha: string;
  readonly name: string;
}

/** `created`: these annotations are on their lines. `refused`: the token may not; `failed`: something else, told in `message`. */
export type CheckRunResult =
  | { readonly kind: 'created'; readonly shown: ReadonlySet<Annotation>; readonly message: string | undefined }
  | { readonly kind: 'refused' | 'failed'; readonly message: string };

/** Creates a completed check run with the annotations that have a file, those without a line on its first. */
export async function createCheckRun(
  api: GitHubApi,
  target: CheckRunTarget,
  annotations: readonly Annotation[],
  run: RunOutcome,
): Promise<CheckRunResult> {
  const placed = annotations.filter((annotation) => annotation.file !== undefined).slice(0, annotationsPerCheckRun);
  const batches = toBatches(placed);
  const output = { title: toClipped(toVisibleLine(run.title), 255), summary: toBytes(run.summary, summaryMaxBytes) };
  const path = `/repos/${target.repository}/check-runs`;
  const [first = [], ...later] = batches;
  const created = await api.request('POST', path, {
    name: toClipped(toVisibleLine(target.name), 100),
    head_sha: target.headSha,
    status: 'completed',
    conclusion: run.conclusion,
    output: { ...output, annotations: first.map(toCheckAnnotation) },
  });
  if (isRefused(created)) return { kind: 'refused', message: created.message };
  const id = (created.value as { readonly id?: unknown } | undefined)?.id;
  if (created.status !== 201 || typeof id !== 'number') return { kind: 'failed', message: created.message };
  const shown = new Set(first);
  for (const batch of later) {
    const answer = await api.request('PATCH', `${path}/${id}`, { output: { ...output, annotations: batch.map(toCheckAnnotation) } });
    if (answer.status !== 200) return { kind: 'created', shown, message: answer.message };
    for (const annotation of batch) shown.add(annotation);
  }
  return { kind: 'created', shown, message: undefined };
}

function toBatches(annotations: readonly Annotation[]): Annotation[][] {
  const batches: Annotation[][] = [];
  for (let start = 0; start < annotations.length; start += annotationsPerRequest) {
    batches.push(annotations.slice(start, start + annotationsPerRequest));
  }
  return batches;
}

function toCheckAnnotation(annotation: Annotation) {
  const line = annotation.line ?? 1;
  return {
    path: toVisibleLine(annotation.file ?? ''),
    start_line: line,
    end_line: line,
    annotation_level: annotation.level === 'error' ? 'failure' : annotation.level,
    title: toClipped(toVisibleLine(annotation.title), 255),
    // 64 KB are accepted; a code unit is at most 3 bytes.
    message: toClipped(toVisibleLines(annotation.message), 20_000) || '-',
  };
}

/** A summary over the limit is refused whole, so one that is too long for whatever reason is cut. */
function toBytes(text: string, maxBytes: number): string {
  let cut = text;
  while (Buffer.byteLength(cut) > maxBytes) cut = toClipped(cut, Math.floor(cut.length * 0.9));
  return cut;
}
