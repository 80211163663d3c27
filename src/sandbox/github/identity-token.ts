import { randomUUID } from 'node:crypto';
import { type Answer, type ReceivedRequest, toJsonAnswer } from '../exchange.ts';
import { type Claims, signToken, type TokenKey } from '../json-web-token.ts';
import { type GithubRepository, toNumber } from './payload.ts';
import { toGithubRefusal } from './refusal.ts';

/** The workflow run that identity tokens speak for. */
export interface WorkflowRun {
  readonly repository: GithubRepository;
  readonly eventName: string;
  readonly ref: string;
  readonly sha: string;
  readonly headRef: string;
  readonly baseRef: string;
  readonly actor: string;
  /** Path of the workflow's file. */
  readonly workflowFile: string;
  readonly workflow: string;
  readonly runId: string;
}

/** Subject of a token, with which a federated credential has to agree (https://docs.github.com/actions/reference/openid-connect-reference). */
export function toSubject({ repository, eventName, ref }: WorkflowRun): string {
  return `repo:${repository.owner}/${repository.name}:${eventName === 'pull_request' ? 'pull_request' : `ref:${ref}`}`;
}

/** Answers `GET ACTIONS_ID_TOKEN_REQUEST_URL&audience=…`. */
export function issueIdentityToken(
  request: ReceivedRequest,
  run: WorkflowRun,
  issuer: string,
  requestToken: string,
  key: TokenKey,
  now: Date,
): Answer {
  if (request.headers.authorization !== `Bearer ${requestToken}`) {
    throw toGithubRefusal(401, 'Unauthorized');
  }
  const audience = request.url.searchParams.get('audience') ?? `https://github.com/${run.repository.owner}`;
  const value = signToken(toClaims(run, issuer, audience, now), key);
  return toJsonAnswer(200, { count: value.length, value });
}

/** https://docs.github.com/actions/concepts/security/openid-connect#understanding-the-oidc-token */
function toClaims(run: WorkflowRun, issuer: string, audience: string, now: Date): Claims {
  const { repository, ref, sha } = run;
  const fullName = `${repository.owner}/${repository.name}`;
  const seconds = Math.floor(now.getTime() / 1000);
  const workflowRef = `${fullName}/${run.workflowFile}@${ref}`;
  return {
    jti: randomUUID(),
    sub: toSubject(run),
    aud: audience,
    ref,
    sha,
    repository: fullName,
    repository_owner: repository.owner,
    repository_owner_id: String(toNumber(repository.owner)),
    run_id: run.runId,
    run_number: '1',
    run_attempt: '1',
    repository_visibility: repository.private ? 'private' : 'public',
    repository_id: String(toNumber(fullName)),
    actor_id: String(toNumber(run.actor)),
    actor: run.actor,
    workflow: run.workflow,
    head_ref: run.headRef,
    base_ref: run.baseRef,
    event_name: run.eventName,
    ref_protected: 'false',
    ref_type: 'branch',
    workflow_ref: workflowRef,
    workflow_sha: sha,
    job_workflow_ref: workflowRef,
    job_workflow_sha: sha,
    runner_environment: 'github-hosted',
    iss: issuer,
    nbf: seconds - 600,
    exp: seconds + 300,
    iat: seconds,
  };
}
