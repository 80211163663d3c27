import { retryableStatuses } from '../lib/retry.ts';
import { errorCodes } from './registry-answer.ts';
import { isRegistryError, RegistryError } from './registry-error.ts';
import { anyAnswer, type Session } from './session.ts';

/** How far an upload is, and where its next bytes go. Each answer may move both. */
export interface UploadPlace {
  readonly location: URL;
  /** Bytes that the registry has. */
  readonly offset: number;
  /** Most bytes for one request. */
  readonly pieceBytes: number;
  /** Time that went into what failed, so far. */
  readonly lostMs: number;
}

const tries = 4;
/** What one upload may lose to failures in all: a registry that fails again and again is not waited for without end. */
const maxLostMs = 300_000;
const leastPieceBytes = 256 * 1024;
/** Answers to the first piece of an upload that has just begun, by which a registry says that it does not know what a piece is. */
const pieceRefusals: ReadonlySet<number> = new Set([400, 404, 405, 501]);

/**
 * Sends the next bytes with PATCH and Content-Range, from memory, so that what breaks off can go on where the registry says it stopped
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks). A registry that takes less in one
 * request (GHCR: 4 MiB, Azure: 20 MB) gets smaller ones. Rejects with code `upload-dropped` where it has lost what it had.
 */
export async function sendPiece(session: Session, place: UploadPlace, bytes: Uint8Array, isAborted: () => boolean): Promise<UploadPlace> {
  const end = place.offset + bytes.length;
  let current = place;
  let failures = 0;
  while (current.offset < end) {
    const rest = bytes.subarray(bytes.length - (end - current.offset));
    const part = rest.subarray(0, current.pieceBytes);
    const startedMs = session.now();
    const outcome = await patch(session, current, part);
    if (outcome.kind === 'stored') {
      current = outcome.place;
      failures = 0;
      continue;
    }
    failures += 1;
    const isTooSmall = outcome.kind === 'too-large' && current.pieceBytes <= leastPieceBytes;
    const isLast = failures === tries || isTooSmall || current.lostMs > maxLostMs;
    if (isLast && isRegistryError(outcome.error, 'refused') && outcome.error.status === 416 && place.offset === 0) {
      throw refusedPieces(session, 416);
    }
    if (isLast || isAborted()) throw outcome.error;
    if (outcome.kind === 'failed') await session.pause(failures, outcome.error);
    current = await findPlace(session, current, current.offset + part.length);
    current = { ...current, lostMs: current.lostMs + session.now() - startedMs };
    if (outcome.kind === 'too-large') current = { ...current, pieceBytes: Math.ceil(Math.min(current.pieceBytes, part.length) / 2) };
  }
  return current;
}

/** The error where a registry takes a blob in one request only; `status` is its answer to the first piece. */
export function refusedPieces(session: Session, status: number | undefined): RegistryError {
  return new RegistryError({
    code: 'pieces-refused',
    ...(status === undefined ? {} : { status }),
    message: `${session.registry.name} does not take blobs of ${session.name} in pieces${status === undefined ? '' : ` (${status} to PATCH)`}`,
    hint: 'The layer is read again and sent in one request. Where it happens again, look at what stands between this machine and the registry.',
  });
}

/** The error where a registry no longer has what was uploaded to it. */
export function droppedUpload(session: Session, reason: string): RegistryError {
  return new RegistryError({
    code: 'upload-dropped',
    message: `${session.registry.name} no longer has the bytes that were uploaded to ${session.name} (${reason})`,
    hint: 'The layer is sent once more. Where it happens again, look at how long the registry keeps unfinished uploads.',
  });
}

/** Whether an answer about an upload says that the registry does not know it (any more). */
export function isUnknownUpload(status: number, body: Uint8Array): boolean {
  return (
    status === 404 || status === 410 || errorCodes(body).some((code) => code === 'BLOB_UPLOAD_UNKNOWN' || code === 'BLOB_UPLOAD_INVALID')
  );
}

type PatchOutcome =
  | { readonly kind: 'stored'; readonly place: UploadPlace }
  | { readonly kind: 'failed' | 'too-large'; readonly error: unknown };

async function patch(session: Session, place: UploadPlace, part: Uint8Array): Promise<PatchOutcome> {
  const verb = `send a layer to ${session.name}`;
  const headers = { 'content-type': 'application/octet-stream', 'content-range': `${place.offset}-${place.offset + part.length - 1}` };
  const request = {
    verb,
    method: 'PATCH',
    url: place.location,
    access: 'push',
    headers,
    body: part,
    attempts: 1,
    deadlineMs: 600_000,
  } as const;
  const outcome = await session.send(request, anyAnswer).catch((error: unknown) => {
    if (isRegistryError(error, 'unreachable')) return error;
    throw error;
  });
  if (outcome instanceof RegistryError) return { kind: 'failed', error: outcome };
  const { status, headers: answer, body } = outcome;
  if (status >= 200 && status < 300) {
    const sent = place.offset + part.length;
    const stored = receivedBytes(answer.range);
    // Amazon ECR's Range does not advance; only one that ends within this piece says something of it.
    const offset = stored !== undefined && stored > place.offset && stored < sent ? stored : sent;
    return { kind: 'stored', place: { ...place, location: session.locate(place.location, answer.location), offset } };
  }
  if (status === 413 || status === 416) return { kind: 'too-large', error: session.refusal(verb, outcome) };
  if (retryableStatuses.has(status)) return { kind: 'failed', error: session.refusal(verb, outcome) };
  const isForgotten = errorCodes(body).some((code) => code === 'BLOB_UPLOAD_UNKNOWN' || code === 'BLOB_UPLOAD_INVALID');
  if (place.offset === 0 && !isForgotten && pieceRefusals.has(status)) throw refusedPieces(session, status);
  throw isUnknownUpload(status, body) ? droppedUpload(session, `${status} to PATCH`) : session.refusal(verb, outcome);
}

/** Asks where an upload stands whose last answer did not come. A registry that cannot say is taken to have nothing of the piece. */
async function findPlace(session: Session, place: UploadPlace, end: number): Promise<UploadPlace> {
  const request = { verb: `go on with an upload to ${session.name}`, method: 'GET', url: place.location, access: 'push' } as const;
  const answer = await session.send(request, anyAnswer);
  const { status, headers, body } = answer;
  if (status === 405 || status === 501) return place;
  if (status < 200 || status >= 300) {
    // CNCF Distribution answers 416 for an upload of which it has more than the Location says.
    throw status === 416 || isUnknownUpload(status, body)
      ? droppedUpload(session, `${status} to GET`)
      : session.refusal(request.verb, answer);
  }
  const offset = receivedBytes(headers.range) ?? 0;
  if (offset < place.offset || offset > end) throw droppedUpload(session, `it has ${offset} of ${place.offset} bytes`);
  return { ...place, offset, location: session.locate(place.location, headers.location) };
}

/** Bytes that a Range header of an upload acknowledges. `0-0` is what registries give for none as well as for one, of which none is likelier. */
function receivedBytes(range: string | undefined): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(range ?? '')?.[1];
  return last === undefined ? undefined : last === '0' ? 0 : Number(last) + 1;
}
