import type { IncomingHttpHeaders } from 'node:http';

/** A request as a stand-in received it, body and all. */
export interface ReceivedRequest {
  readonly method: string;
  /** Absolute, on the stand-in's own origin. */
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** One request with what was answered; no answer where the connection was reset or left open. */
export interface Exchange {
  readonly request: ReceivedRequest;
  readonly answer: Answer | undefined;
}

/** Thrown by a handler in place of an answer. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`refused with ${answer.status}`);
    this.name = 'Refusal';
    this.answer = answer;
  }
}

export function toJsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, body: Buffer.from(JSON.stringify(value)) };
}

export function toTextAnswer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: Buffer.from(text) };
}

/** The body as a JSON object, or undefined where it is none. */
export function parseJsonObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One operation of a service: its method, its path (named groups are the parameters) and what it does. */
export interface Route<Context> {
  readonly method: string;
  readonly path: RegExp;
  readonly handle: (context: Context, request: ReceivedRequest, parameters: Readonly<Record<string, string>>) => Answer | Promise<Answer>;
}

/** The first route for the request with its decoded parameters. `wrong-method` where only other methods have the path. */
export function matchRoute<Context>(
  routes: readonly Route<Context>[],
  request: ReceivedRequest,
): { readonly route: Route<Context>; readonly parameters: Readonly<Record<string, string>> } | 'wrong-method' | 'none' {
  let found: 'wrong-method' | 'none' = 'none';
  for (const route of routes) {
    const match = route.path.exec(request.url.pathname);
    if (match === null) {
      continue;
    }
    if (route.method === request.method) {
      const groups = Object.entries(match.groups ?? {}).filter(([, value]) => value !== undefined);
      return { route, parameters: Object.fromEntries(groups.map(([name, value]) => [name, decodeSegment(value)])) };
    }
    found = 'wrong-method';
  }
  return found;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
