import { type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on whatever came
  readonly json: any;
}

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** PEM that the server's certificate is trusted by. */
  readonly ca?: string;
  readonly timeoutMs?: number;
}

/** One request on a connection of its own, redirects not followed. */
export function send(url: string, options: SendOptions = {}): Promise<Reply> {
  const { method = 'GET', headers = {}, body, ca, timeoutMs = 10_000 } = options;
  const isText = typeof body === 'string';
  const type: Record<string, string> = body === undefined || isText ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const fields = { method, headers: { 'user-agent': 'test', ...type, ...headers }, agent: false as const, timeout: timeoutMs };
    const request = url.startsWith('https:') ? requestHttps(url, ca === undefined ? fields : { ...fields, ca }) : requestHttp(url, fields);
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
      });
    });
    request.end(body === undefined ? undefined : isText ? body : JSON.stringify(body));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
