import type { IncomingHttpHeaders } from 'node:http';
import type { Route } from './route.ts';

/** What a fault plan is told of a request, before anything is done. */
export interface FaultRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** Undefined where the path is no endpoint. */
  readonly route: Route | undefined;
  readonly headers: IncomingHttpHeaders;
  /** How many requests came before this one. */
  readonly index: number;
}

/** Something that goes wrong with one request. */
export type Fault =
  /** Answers so instead of doing what was asked. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Does what was asked after a while. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Cuts the connection, once that many bytes of the request's body have been taken (and kept, where it is an upload). */
  | { readonly kind: 'reset'; readonly afterBodyBytes?: number }
  /** Does what was asked and cuts the connection instead of answering. */
  | { readonly kind: 'drop-answer' }
  /** Cuts the connection after that many bytes of the answer's body. */
  | { readonly kind: 'truncate'; readonly afterBytes: number };

/** Decides for each request what goes wrong with it; undefined for nothing. */
export type FaultPlan = (request: FaultRequest) => Fault | undefined;
