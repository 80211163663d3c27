import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Http } from '../../lib/http.ts';
import { HttpError } from '../../lib/http-error.ts';
import { toClipped } from '../../lib/visible-text.ts';
import type { Annotation } from '../../model/annotation.ts';
import { annotationMaxCharacters, chooseAnnotations, createAnnotationRoom } from '../annotation-choice.ts';
import type { Host, RunOutcome } from '../host.ts';
import { toMasks, unmaskedNotice } from '../masking.ts';
import { toProgressText } from '../progress-text.ts';
import { escapeText, toLoggingCommand, toLogLine, toMessage } from './logging-command.ts';
import { type PipelineRun, readPipelineRun } from './pipeline-run.ts';
import { threadMaxCharacters, upsertThread } from './pull-request-thread.ts';

export interface AzurePipelinesHostOptions {
  /** As the agent gives it; only read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes text for standard output, which the agent reads for commands. */
  readonly write: (text: string) => void;
  readonly http: Http;
  /** What the run is about, alike in all runs of a pull request (the image without its tag): several images have a thread each. */
  readonly subject: string;
  /** A random text, new at each call: `() => randomUUID()`. */
  readonly random: () => string;
}

/** A task of Azure Pipelines. The result of the task follows from the exit code; `fail` says it also to the agent. */
export function createAzurePipelinesHost({ env, write, http, subject, random }: AzurePipelinesHostOptions): Host {
  const run = readPipelineRun(env);
  const workspace = env.BUILD_SOURCESDIRECTORY ?? env.SYSTEM_DEFAULTWORKINGDIRECTORY ?? process.cwd();
  const temporaryFolder = env.AGENT_TEMPDIRECTORY ?? tmpdir();
  const room = { ...createAnnotationRoom(), notice: 0 };

  function issue(annotation: Annotation): void {
    if (chooseAnnotations([annotation], room).chosen.length === 1) write(toIssue(annotation, workspace));
    else write(toLogLine(toPlain(annotation)));
  }

  function log(level: 'info' | 'warning', line: string): void {
    if (level === 'info') write(toLogLine(line));
    else issue({ level, title: '', message: line, file: undefined, line: undefined });
  }

  return {
    kind: 'azure-pipelines',
    workspace,
    temporaryFolder,
    summaryFormat: { kind: 'markdown', maxBytes: 1024 * 1024, commentMaxCharacters: threadMaxCharacters },
    mask(secret) {
      const text = secret.reveal();
      const masks = toMasks(text);
      // A command that the agent cannot carry out is shown as it was given (WorkerCommandManager.cs): a secret variable that is read-only, say.
      const escaped = text
        .split(/[\r\n]+/)
        .filter((line) => masks.includes(line))
        .map(escapeText);
      for (const mask of new Set([...masks, ...escaped])) write(toLoggingCommand('task.setsecret', {}, mask));
      if (masks.length === 0) log('warning', unmaskedNotice);
    },
    log,
    progress(progress) {
      if (progress.finished) write(toLogLine(toProgressText(progress)));
    },
    async annotate(annotations) {
      for (const annotation of annotations) issue(annotation);
    },
    async summarise(text) {
      await report(
        async () => {
          const file = writeSummary(join(temporaryFolder, `image-custody-${random()}`), text);
          // Where the pipeline restricts the commands of its steps, the agent warns of this one and goes on.
          write(toLoggingCommand('task.uploadsummary', {}, file));
        },
        'write the summary',
        log,
      );
    },
    comment: (markdown, outcome) => report(() => commentOn(run, http, subject, markdown, outcome, log), 'comment on the pull request', log),
    // TaskCommandExtension.cs: a secret of several lines ends the task, unless the pipeline has this variable.
    secretOutputs: env.SYSTEM_UNSAFEALLOWMULTILINESECRET?.toLowerCase() === 'true' ? 'any' : 'single-line',
    output(name, value) {
      // A secret is no output variable: those are kept with the run, and other jobs have them.
      if (typeof value === 'string')
        write(toLoggingCommand('task.setvariable', { variable: toVariableName(name), isOutput: 'true' }, value));
      else write(toLoggingCommand('task.setvariable', { variable: name, isSecret: 'true' }, value.reveal()));
    },
    fail(error) {
      issue({ level: 'error', title: '', message: `${error.message}\n${error.hint}`, file: undefined, line: undefined });
      write(toLoggingCommand('task.complete', { result: 'Failed' }, toMessage(error.message)));
    },
  };
}

type Log = Host['log'];

/** Reporting never fails a run: what goes wrong is one warning. */
async function report(work: () => Promise<void>, what: string, log: Log): Promise<void> {
  try {
    await work();
  } catch (error) {
    const reason = error instanceof HttpError ? error.message : ((error as { code?: string }).code ?? 'unknown error');
    log('warning', `Cannot ${what}: ${reason}.`);
  }
}

/** The file's name is the heading that the agent gives the summary. */
function writeSummary(folder: string, text: string): string {
  const file = join(folder, 'Image Custody.md');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, text, { flag: 'wx' });
  return file;
}

async function commentOn(run: PipelineRun, http: Http, subject: string, markdown: string, outcome: RunOutcome, log: Log): Promise<void> {
  const { pullRequest, token } = run;
  if (run.foreignProvider !== undefined) {
    return log(
      'info',
      `No comment on the pull request: its repository is in ${run.foreignProvider}, not in Azure Repos. The report is in the summary.`,
    );
  }
  if (pullRequest === undefined) return;
  if (token === undefined) return log('info', 'No comment on the pull request: the agent gave this task no access token.');
  const status = outcome.conclusion === 'failure' ? 'active' : 'closed';
  const result = await upsertThread(http, { pullRequest, token, key: `${run.step}\n${subject}` }, status, markdown);
  if (result.kind === 'refused') {
    log(
      'warning',
      `Cannot comment on the pull request (${result.message}): the build identity ${run.identity} needs the permission "Contribute to pull requests" ` +
        'on the repository (Project settings, Repositories, Security). The report is in the summary.',
    );
  } else if (result.kind === 'failed') log('warning', `Cannot comment on the pull request: ${result.message}.`);
}

/** `denied-by` is `deniedBy` here, as inputs are; other letters would be lost in the environment of later steps. */
function toVariableName(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()).replace(/\W/g, '_');
}

function toIssue(annotation: Annotation, workspace: string): string {
  const { level, file, line } = annotation;
  // The agent writes `path(line,column): error code: message`, and makes the path relative to the repository.
  const place =
    file === undefined
      ? {}
      : { sourcepath: join(workspace, toMessage(file)), linenumber: `${line ?? 1}`, columnnumber: '1', code: 'image-custody' };
  return toLoggingCommand('task.logissue', { type: level, ...place }, toClipped(toMessage(toTitled(annotation)), annotationMaxCharacters));
}

function toPlain(annotation: Annotation): string {
  const { level, file, line } = annotation;
  const place = file === undefined ? '' : ` ${file}${line === undefined ? '' : `:${line}`}:`;
  return `${level[0]?.toUpperCase()}${level.slice(1)}:${place} ${toTitled(annotation).replaceAll('\n', ' ')}`;
}

function toTitled({ title, message }: Annotation): string {
  return title === '' ? message : `${title}\n${message}`;
}
