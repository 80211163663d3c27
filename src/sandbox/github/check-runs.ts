import { type Answer, isJsonObject, type ReceivedRequest, type Route, toJsonAnswer } from '../exchange.ts';
import { toActionsApp, toNodeId } from './payload.ts';
import { notFound, toGithubRefusal, toInvalidRequest } from './refusal.ts';
import { type CheckRun, createId, type GithubService, paginate, permit, readBody } from './service.ts';

type Json = Readonly<Record<string, unknown>>;

/** https://docs.github.com/rest/checks/runs: 50 a request, 65,535 in a text. */
const maxAnnotations = 50;
const maxTextBytes = 65_535;
const maxTitleCharacters = 255;
const maxMessageBytes = 64 * 1024;

const levels = ['notice', 'warning', 'failure'];
const statuses = ['queued', 'in_progress', 'completed'];
const conclusions = ['action_required', 'cancelled', 'failure', 'neutral', 'success', 'skipped', 'timed_out'];

export const checkRunRoutes: readonly Route<GithubService>[] = [
  { method: 'POST', path: /^\/repos\/[^/]+\/[^/]+\/check-runs$/, handle: createCheckRun },
  { method: 'PATCH', path: /^\/repos\/[^/]+\/[^/]+\/check-runs\/(?<id>\d+)$/, handle: updateCheckRun },
  { method: 'GET', path: /^\/repos\/[^/]+\/[^/]+\/check-runs\/(?<id>\d+)$/, handle: getCheckRun },
  { method: 'GET', path: /^\/repos\/[^/]+\/[^/]+\/check-runs\/(?<id>\d+)\/annotations$/, handle: listAnnotations },
];

type Parameters = Readonly<Record<string, string>>;

function createCheckRun(service: GithubService, request: ReceivedRequest): Answer {
  const page = '/checks/runs#create-a-check-run';
  permitApp(service, request, page);
  const body = readBody(request);
  const name = readString(body, 'name', page);
  const headSha = readString(body, 'head_sha', page);
  if (!service.pullRequests.some(({ head, base }) => head.sha === headSha || base.sha === headSha)) {
    throw toGithubRefusal(422, `No commit found for SHA: ${headSha}`, page);
  }
  const started = { startedAt: toTime(service.now()), completedAt: null, conclusion: null, status: 'queued', externalId: '' };
  const output = { title: null, summary: null, text: null };
  const run = change({ id: createId(service), name, headSha, ...started, output, annotations: [] }, body, service, page);
  service.checkRuns.push(run);
  return toJsonAnswer(201, toBody(run, service));
}

function updateCheckRun(service: GithubService, request: ReceivedRequest, parameters: Parameters): Answer {
  const page = '/checks/runs#update-a-check-run';
  permitApp(service, request, page);
  const run = find(service, parameters, page);
  const changed = change(run, readBody(request), service, page);
  service.checkRuns[service.checkRuns.indexOf(run)] = changed;
  return toJsonAnswer(200, toBody(changed, service));
}

function getCheckRun(service: GithubService, request: ReceivedRequest, parameters: Parameters): Answer {
  permit(service, request, 'read', ['checks'], '/checks/runs#get-a-check-run');
  return toJsonAnswer(200, toBody(find(service, parameters, '/checks/runs#get-a-check-run'), service));
}

function listAnnotations(service: GithubService, request: ReceivedRequest, parameters: Parameters): Answer {
  const help = '/checks/runs#list-check-run-annotations';
  permit(service, request, 'read', ['checks'], help);
  const run = find(service, parameters, help);
  const { page, headers } = paginate(run.annotations, request.url);
  const { owner, name } = service.repository;
  const blobs = `${service.addresses.server}/${owner}/${name}/blob/${run.headSha}`;
  const absent = { start_column: null, end_column: null, title: null, raw_details: null };
  const answers = page.map((annotation) => ({ ...absent, ...annotation, blob_href: `${blobs}/${String(annotation.path)}` }));
  return toJsonAnswer(200, answers, headers);
}

/** Check runs are made by apps alone. */
function permitApp(service: GithubService, request: ReceivedRequest, page: string): void {
  if (permit(service, request, 'write', ['checks'], page).kind !== 'actions') {
    throw toGithubRefusal(403, 'You must authenticate via a GitHub App.', page);
  }
}

function find(service: GithubService, { id }: Parameters, page: string): CheckRun {
  const run = service.checkRuns.find((known) => known.id === Number(id));
  if (run === undefined) {
    throw notFound(page);
  }
  return run;
}

/** The run as a request changes it: the output is replaced, annotations are appended. */
function change(run: CheckRun, body: Json, service: GithubService, page: string): CheckRun {
  const conclusion = readMember(body, 'conclusion', conclusions, page);
  const status = conclusion === undefined ? readMember(body, 'status', statuses, page) : 'completed';
  if (status === 'completed' && conclusion === undefined && run.conclusion === null) {
    throw toInvalidRequest('"conclusion" wasn\'t supplied.', page);
  }
  const output = body.output === undefined ? undefined : readOutput(body.output, page);
  const completedAt = typeof body.completed_at === 'string' ? body.completed_at : toTime(service.now());
  return {
    ...run,
    ...(typeof body.name === 'string' ? { name: body.name } : {}),
    ...(typeof body.external_id === 'string' ? { externalId: body.external_id } : {}),
    ...(typeof body.started_at === 'string' ? { startedAt: body.started_at } : {}),
    ...(status === undefined ? {} : { status }),
    ...(conclusion === undefined ? {} : { conclusion, completedAt }),
    ...(output === undefined ? {} : { output: output.text, annotations: [...run.annotations, ...output.annotations] }),
  };
}

function readOutput(output: unknown, page: string): { readonly text: CheckRun['output']; readonly annotations: readonly Json[] } {
  if (!isJsonObject(output)) {
    throw toInvalidRequest("For 'properties/output', output is not an object.", page);
  }
  const summary = readString(output, 'summary', page);
  const title = readString(output, 'title', page);
  if (Buffer.byteLength(summary) > maxTextBytes) {
    throw toInvalidRequest(`Only ${maxTextBytes} characters are allowed; ${Buffer.byteLength(summary)} were supplied.`, page);
  }
  // A text that is too long is cut without a word.
  const text = typeof output.text === 'string' ? Buffer.from(output.text).subarray(0, maxTextBytes).toString('utf8') : null;
  return { text: { title, summary, text }, annotations: readAnnotations(output.annotations, page) };
}

function readAnnotations(value: unknown, page: string): readonly Json[] {
  const annotations: readonly unknown[] = Array.isArray(value) ? value : [];
  if (annotations.length > maxAnnotations) {
    throw toInvalidRequest(`No more than ${maxAnnotations} items are allowed; ${annotations.length} were supplied.`, page);
  }
  return annotations.map((annotation) => {
    if (!isJsonObject(annotation)) {
      throw toInvalidRequest('An annotation is not an object.', page);
    }
    readString(annotation, 'path', page);
    const lines = [annotation.start_line, annotation.end_line];
    if (lines.some((line) => !Number.isInteger(line) || Number(line) < 1)) {
      throw toInvalidRequest('"start_line" and "end_line" are not integers of 1 or more.', page);
    }
    const hasColumns = annotation.start_column !== undefined || annotation.end_column !== undefined;
    if (hasColumns && annotation.start_line !== annotation.end_line) {
      throw toInvalidRequest('start_column and end_column are only for annotations of one line.', page);
    }
    const message = readString(annotation, 'message', page);
    const { title } = annotation;
    if (Buffer.byteLength(message) > maxMessageBytes || (typeof title === 'string' && [...title].length > maxTitleCharacters)) {
      throw toInvalidRequest('The annotation is too large.', page);
    }
    if (readMember(annotation, 'annotation_level', levels, page) === undefined) {
      throw toInvalidRequest('"annotation_level" wasn\'t supplied.', page);
    }
    return annotation;
  });
}

function readString(body: Json, name: string, page: string): string {
  const value = body[name];
  if (typeof value !== 'string') {
    throw toInvalidRequest(
      value === undefined ? `"${name}" wasn't supplied.` : `For 'properties/${name}', ${JSON.stringify(value)} is not a string.`,
      page,
    );
  }
  return value;
}

function readMember(body: Json, name: string, members: readonly string[], page: string): string | undefined {
  const value = body[name];
  if (value === undefined) {
    return undefined;
  }
  if (typeof value !== 'string' || !members.includes(value)) {
    throw toInvalidRequest(`${JSON.stringify(value)} is not a member of ${JSON.stringify(members)}.`, page);
  }
  return value;
}

function toBody(run: CheckRun, service: GithubService): Json {
  const { addresses, repository } = service;
  const url = `${addresses.api}/repos/${repository.owner}/${repository.name}/check-runs/${run.id}`;
  const page = `${addresses.server}/${repository.owner}/${repository.name}/runs/${run.id}`;
  return {
    id: run.id,
    name: run.name,
    node_id: toNodeId('CR', String(run.id)),
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: page,
    // Given by the caller it is overwritten, for GITHUB_TOKEN.
    details_url: page,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: { ...run.output, annotations_count: run.annotations.length, annotations_url: `${url}/annotations` },
    check_suite: { id: 1 },
    app: toActionsApp(addresses),
    pull_requests: [],
  };
}

function toTime(date: Date): string {
  return date.toISOString().replace(/\.\d+/, '');
}
