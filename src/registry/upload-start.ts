import type { Session } from './session.ts';

export interface StartedUpload {
  readonly location: URL;
  /** Least bytes of a request but the last, where the registry states it. */
  readonly leastBytes: number | undefined;
}

/** Has the registry make a session for an upload, and nothing else. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs */
export async function startUpload(session: Session, verb: string): Promise<StartedUpload> {
  const request = { verb, method: 'POST', url: 'blobs/uploads/', access: 'push', onCancel: 'finish' } as const;
  const { headers } = await session.send(request, (status) => status === 202);
  const { location, 'oci-chunk-min-length': least } = headers;
  if (location === undefined) throw session.unusable(verb, 'it gave no Location for the upload');
  const leastBytes = typeof least === 'string' && /^\d{1,12}$/.test(least) ? Number(least) : undefined;
  return { location: session.locate(session.registry.origin, location), leastBytes };
}
