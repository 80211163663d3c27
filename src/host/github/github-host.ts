import { appendFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Http } from '../../lib/http.ts';
import { HttpError } from '../../lib/http-error.ts';
import type { SecretValue } from '../../lib/secret-value.ts';
import { toClipped } from '../../lib/visible-text.ts';
import type { Annotation } from '../../model/annotation.ts';
import { annotationMaxCharacters, chooseAnnotations, createAnnotationRoom } from '../annotation-choice.ts';
import type { Host, RunOutcome } from '../host.ts';
import { toMasks, unmaskedNotice } from '../masking.ts';
import { toProgressText } from '../progress-text.ts';
import { createGitHubApi, type GitHubApi } from './api.ts';
import { createCheckRun } from './check-run.ts';
import { commentMaxCharacters, upsertComment } from './pull-request-comment.ts';
import { toLogLine, toMessage, toWorkflowCommand } from './workflow-command.ts';
import { readWorkflowRun, type WorkflowRun } from './workflow-run.ts';

export interface GitHubHostOptions {
  /** As the runner gives it; only read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes text for standard output, which the runner reads for commands. */
  readonly write: (text: string) => void;
  readonly http: Http;
  /** For the comment and the check run, asked for when they are made; without one there are none. */
  readonly token: () => SecretValue | undefined;
  /** What the run is about, alike in all runs of a pull request (the image without its tag): several images have a comment each. */
  readonly subject: string;
  /** A random text that nobody can guess, new at each call: `() => randomUUID()`. */
  readonly random: () => string;
}

/** actions/runner FileCommandManager.cs `AttachmentSizeLimit`: a summary above it is dropped whole. */
const summaryFileMaxBytes = 1024 * 1024;

/** A job of GitHub Actions: https://docs.github.com/en/actions/reference/workflows-and-actions/variables. */
export function createGitHubHost(options: GitHubHostOptions): Host {
  const { env, write, http, token, subject, random } = options;
  const run = readWorkflowRun(env);
  const openApi = (): GitHubApi | undefined => {
    const given = token();
    return given === undefined ? undefined : createGitHubApi({ env, http, token: given });
  };
  const room = createAnnotationRoom();

  function log(level: 'info' | 'warning', line: string): void {
    if (level === 'info') write(toLogLine(line));
    else issue({ level, title: 'Image Custody', message: line, file: undefined, line: undefined });
  }

  function issue(annotation: Annotation): void {
    if (chooseAnnotations([annotation], room).chosen.length === 1) write(toIssue(annotation));
    else write(toLogLine(toPlain(annotation)));
  }

  async function annotate(annotations: readonly Annotation[], outcome: RunOutcome): Promise<void> {
    const shown = await report(() => annotateLines(run, openApi(), subject, annotations, outcome, log), 'create a check run', log);
    for (const annotation of annotations) {
      // A line that the check run annotates is not annotated twice.
      const lineless = { ...annotation, message: `${toPlace(annotation)}${annotation.message}`, file: undefined, line: undefined };
      issue(shown?.has(annotation) === true ? lineless : annotation);
    }
  }

  return {
    kind: 'github',
    workspace: env.GITHUB_WORKSPACE ?? process.cwd(),
    temporaryFolder: env.RUNNER_TEMP ?? tmpdir(),
    summaryFormat: { kind: 'markdown', maxBytes: summaryFileMaxBytes - 4096, commentMaxCharacters: commentMaxCharacters - 100 },
    mask(secret) {
      const masks = toMasks(secret.reveal());
      for (const mask of masks) write(toWorkflowCommand('add-mask', {}, mask));
      if (masks.length === 0) log('warning', unmaskedNotice);
    },
    log,
    progress(progress) {
      if (progress.finished) write(toLogLine(toProgressText(progress)));
    },
    annotate,
    summarise: (text) => report(async () => appendSummary(env.GITHUB_STEP_SUMMARY, text, log), 'write the job summary', log),
    comment: (markdown) => report(() => commentOn(run, openApi(), subject, markdown, log), 'comment on the pull request', log),
    secretOutputs: env.GITHUB_OUTPUT ? 'any' : 'none',
    output(name, value) {
      const text = typeof value === 'string' ? value : value.reveal();
      if (env.GITHUB_OUTPUT) appendFileSync(env.GITHUB_OUTPUT, toOutput(name, text, random));
    },
    fail(error) {
      issue({ level: 'error', title: 'Image Custody', message: `${error.message}\n${error.hint}`, file: undefined, line: undefined });
    },
  };
}

type Log = Host['log'];

/** Reporting never fails a run: what goes wrong is one warning. */
async function report<T>(work: () => Promise<T>, what: string, log: Log): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof HttpError ? error.message : ((error as { code?: string }).code ?? 'unknown error');
    log('warning', `Cannot ${what}: ${reason}.`);
    return undefined;
  }
}

async function annotateLines(
  run: WorkflowRun,
  api: GitHubApi | undefined,
  subject: string,
  annotations: readonly Annotation[],
  outcome: RunOutcome,
  log: Log,
): Promise<ReadonlySet<Annotation>> {
  if (api === undefined || run.repository === undefined || run.headSha === undefined) return new Set();
  const name = subject === '' ? 'Image Custody' : `Image Custody (${subject})`;
  const result = await createCheckRun(api, { repository: run.repository, headSha: run.headSha, name }, annotations, outcome);
  if (result.kind === 'refused')
    log('info', `No check run: the token may not create one (\`permissions: checks: write\`; ${result.message}).`);
  else if (result.message !== undefined)
    log('warning', `Cannot ${result.kind === 'created' ? 'complete' : 'create'} the check run: ${result.message}.`);
  return result.kind === 'created' ? result.shown : new Set();
}

async function commentOn(run: WorkflowRun, api: GitHubApi | undefined, subject: string, markdown: string, log: Log): Promise<void> {
  const { repository, pullRequest } = run;
  if (repository === undefined || pullRequest === undefined) return;
  if (api === undefined) return log('info', 'No comment on the pull request: there is no token (input github-token).');
  const result = await upsertComment(api, { repository, pullRequest, key: `${run.step}\n${subject}` }, markdown);
  const why = run.fork
    ? 'it comes from a fork, where the token may only read'
    : 'the token may not write one (`permissions: pull-requests: write`)';
  if (result.kind === 'refused')
    log('info', `No comment on the pull request: ${why}; the report is in the job summary. GitHub: ${result.message}.`);
  else if (result.kind === 'failed') log('warning', `Cannot comment on the pull request: ${result.message}.`);
}

function appendSummary(path: string | undefined, text: string, log: Log): void {
  if (!path) {
    log('info', 'No job summary: GITHUB_STEP_SUMMARY is not set.');
    return;
  }
  const written = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (written + Buffer.byteLength(text) + 1 > summaryFileMaxBytes) {
    log('warning', 'No job summary: it would be over 1 MiB with what is there already.');
    return;
  }
  appendFileSync(path, `${text}\n`);
}

/** `name<<delimiter`: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings. */
function toOutput(name: string, value: string, random: () => string): string {
  let delimiter = `end_${random()}`;
  while (value.includes(delimiter)) delimiter = `end_${random()}`;
  return `${name.replaceAll(/[^\w-]/g, '_')}<<${delimiter}\n${value}\n${delimiter}\n`;
}

function toIssue({ level, title, message, file, line }: Annotation): string {
  const text = toClipped(toMessage(message), annotationMaxCharacters);
  const place = file === undefined ? {} : { file: toMessage(file), line: line === undefined ? undefined : `${line}` };
  return toWorkflowCommand(level, { title: toMessage(title.replaceAll('\n', ' ')), ...place }, text);
}

function toPlace({ file, line }: Annotation): string {
  if (file === undefined) return '';
  return line === undefined ? `${file}\n` : `${file}:${line}\n`;
}

function toPlain(annotation: Annotation): string {
  const level = annotation.level[0]?.toUpperCase() + annotation.level.slice(1);
  return `${level}: ${annotation.title}: ${`${toPlace(annotation)}${annotation.message}`.replaceAll('\n', ' ')}`;
}
