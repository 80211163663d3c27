import type { HttpResponse } from '../lib/http.ts';
import { retryableStatuses } from '../lib/retry.ts';
import type { Digest } from '../model/digest.ts';
import { headBlob } from './blob.ts';
import type { BodySource } from './body-source.ts';
import { errorCodes } from './registry-answer.ts';
import { isRegistryError, RegistryError } from './registry-error.ts';
import { anyAnswer, type Session } from './session.ts';
import { droppedUpload, isUnknownUpload } from './upload-piece.ts';
import { startUpload } from './upload-start.ts';

const tries = 4;
/** 100 kB/s: what is slower for all of a large blob is given up. */
const leastBytesPerMs = 100;

/**
 * Makes uploaded bytes a blob with PUT, also with all bytes in `body`. Where the answer is lost, a HEAD decides: the registry may have committed. With
 * `body` it is tried once, for a registry may have kept a part of what broke off.
 */
export async function commit(session: Session, location: URL, digest: Digest, body?: Uint8Array | BodySource): Promise<void> {
  const verb = `commit a blob to ${session.name}`;
  const url = new URL(location);
  url.searchParams.append('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  // A registry may hash gigabytes before it answers.
  const deadlineMs = 600_000 + Math.ceil((body?.length ?? 0) / leastBytesPerMs);
  const request = { verb, method: 'PUT', url, access: 'push', headers, attempts: 1, deadlineMs, idleTimeoutMs: 600_000 } as const;
  const limit = body === undefined ? tries : 1;
  for (let count = 1; ; count += 1) {
    const outcome = await session.send(body === undefined ? request : { ...request, body }, anyAnswer).catch((error: unknown) => {
      if (isRegistryError(error, 'unreachable')) return error;
      throw error;
    });
    if (!(outcome instanceof RegistryError) && outcome.status >= 200 && outcome.status < 300)
      return session.verifyDigest(verb, outcome, digest);
    const isPassing = outcome instanceof RegistryError || retryableStatuses.has(outcome.status);
    const mayBeDone = isPassing || isUnknownUpload(outcome.status, outcome.body);
    if (mayBeDone && (await headBlob(session, digest)) !== undefined) return;
    const error = outcome instanceof RegistryError ? outcome : refusal(session, verb, outcome);
    if (!isPassing || count === limit) throw error;
    await session.pause(count, error);
  }
}

function refusal(session: Session, verb: string, answer: HttpResponse): RegistryError {
  const { status, body } = answer;
  if (isUnknownUpload(status, body) || status === 416) return droppedUpload(session, `${status} to PUT`);
  if (!errorCodes(body).includes('DIGEST_INVALID')) return session.refusal(verb, answer);
  return new RegistryError({
    code: 'digest-mismatch',
    status,
    message: `cannot ${verb}: what arrived at ${session.registry.name} is not what was sent`,
    hint: 'Run the step again; where it happens again, look at proxies between this machine and the registry.',
  });
}

/** Gives up an upload, also after the run was cancelled; never rejects. False where the registry did not let it go, and forgets it by itself one day. */
export async function giveUp(session: Session, location: URL): Promise<boolean> {
  const request = { verb: 'give up an upload', method: 'DELETE', url: location, access: 'delete', attempts: 3, onCancel: 'send' } as const;
  const isGone = (status: number): boolean => status < 300 || status === 404;
  return session.send({ ...request, deadlineMs: 20_000 }, isGone).then(
    () => true,
    () => false,
  );
}

/** Pushes a blob in one request after that which begins the upload; from the beginning where that breaks off. */
export async function putBlob(session: Session, digest: Digest, bytes: Uint8Array | BodySource): Promise<void> {
  const verb = `push a blob to ${session.name}`;
  for (let count = 1; ; count += 1) {
    const { location } = await startUpload(session, verb);
    try {
      return await commit(session, location, digest, bytes);
    } catch (error) {
      await giveUp(session, location);
      // What arrived may be other bytes because the HTTP client had to send them twice, over a connection that was kept alive.
      const isPassing = isRegistryError(error, 'unreachable', 'throttled', 'server-error', 'upload-dropped', 'digest-mismatch');
      if (count === tries || !isPassing) throw error;
      await session.pause(count, error);
    }
  }
}
