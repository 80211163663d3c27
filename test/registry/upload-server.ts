import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Digest } from '../../src/model/digest.ts';
import { type Behaviour, type Loopback, type Seen, serve } from './loopback.ts';

export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** What a fault does to one request: `undefined` lets it through, `lost` lets it through and breaks the connection instead of answering. */
export type Fault = (request: Seen, store: Store) => 'lost' | 'cut' | ((response: ServerResponse) => unknown) | undefined;

export interface Store {
  readonly uploads: Map<string, Buffer>;
  readonly blobs: Map<string, Buffer>;
}

/** A registry of uploads and blobs as the distribution specification has it, with `fault` before each request. */
export async function serveUploads(fault: Fault = () => undefined, postHeaders: Record<string, string> = {}): Promise<Loopback & Store> {
  const store: Store = { uploads: new Map(), blobs: new Map() };
  const behave: Behaviour = (request, response) => {
    const found = fault(request, store);
    if (typeof found === 'function') return found(response);
    if (found === 'cut') return response.destroy();
    const answer = answerTo(request, store, postHeaders);
    if (found === 'lost') return response.destroy();
    return response.writeHead(answer.status, answer.headers).end(answer.body);
  };
  return Object.assign(await serve(behave), store);
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export function answerTo({ method, path, headers, body }: Seen, { uploads, blobs }: Store, postHeaders: Record<string, string>): Answer {
  const url = new URL(path, 'http://localhost');
  const id = url.pathname.split('/').at(-1) ?? '';
  if (method === 'POST') {
    const name = `u${uploads.size + 1}`;
    uploads.set(name, Buffer.alloc(0));
    return { status: 202, headers: { location: `/v2/team/app/blobs/uploads/${name}?_state=a%2Fb`, ...postHeaders } };
  }
  if (method === 'HEAD') {
    const blob = blobs.get(id);
    return blob === undefined ? { status: 404 } : { status: 200, headers: { 'content-length': String(blob.length) } };
  }
  const content = uploads.get(id);
  if (content === undefined) return { status: 404, body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"gone"}]}' };
  if (method === 'DELETE') return { status: uploads.delete(id) ? 204 : 404 };
  const place = (bytes: Buffer) => ({ location: `${url.pathname}?_state=${bytes.length}`, range: `0-${Math.max(0, bytes.length - 1)}` });
  if (method === 'GET') return { status: 204, headers: place(content) };
  const whole = Buffer.concat([content, body]);
  if (method === 'PATCH') {
    if (headers['content-range'] !== `${content.length}-${whole.length - 1}`) return { status: 416 };
    uploads.set(id, whole);
    return { status: 202, headers: place(whole) };
  }
  const digest = url.searchParams.get('digest') ?? '';
  if (digest !== digestOf(whole)) return { status: 400, body: '{"errors":[{"code":"DIGEST_INVALID"}]}' };
  uploads.delete(id);
  blobs.set(digest, whole);
  return { status: 201, headers: { 'docker-content-digest': digest } };
}

/** The first `times` requests that match. */
export function onFirst(matches: (request: Seen) => boolean, answer: Exclude<ReturnType<Fault>, undefined>, times = 1): Fault {
  let count = 0;
  return (request) => {
    if (!matches(request) || count === times) return undefined;
    count += 1;
    return answer;
  };
}

export const isMethod = (method: string) => (request: Seen) => request.method === method;
export const status =
  (code: number, headers: Record<string, string> = {}, body = '') =>
  (response: ServerResponse) =>
    response.writeHead(code, headers).end(body);
