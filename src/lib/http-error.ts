import type { HttpRequest } from './http.ts';
import { ProxyError, type ProxyErrorKind } from './proxy-error.ts';

type DirectErrorKind = 'refused' | 'dns' | 'tls' | 'reset' | 'timeout' | 'too-large' | 'protocol' | 'cancelled';

/**
 * Why no whole answer came. `refused`: nobody listens or the address may not be reached; `protocol`: what came is not HTTP. The kinds that begin
 * with `proxy-` are about the proxy, and say nothing of the target.
 */
export type HttpErrorKind = DirectErrorKind | ProxyErrorKind;

/** An exchange without a whole answer. Holds neither headers, query nor bytes of it, so it may be shown and kept as a cause. */
export class HttpError extends Error {
  readonly kind: HttpErrorKind;
  /** Host and port, or the path of the Unix socket. */
  readonly host: string;
  /** Node's or OpenSSL's code, e.g. `ECONNRESET`, or that of a ProxyError. */
  readonly code: string | undefined;
  readonly hint: string;

  constructor(kind: HttpErrorKind, request: HttpRequest, reason: string, code?: string, hint?: string) {
    super(`${request.method} ${toPrintableUrl(request)} failed: ${reason}`);
    this.name = 'HttpError';
    this.kind = kind;
    this.host = request.socketPath ?? request.url.host;
    this.code = code;
    this.hint = hint ?? hints[kind as DirectErrorKind].replace('HOST', this.host);
  }
}

/** Origin and path; a query is left out, for it may hold a signature or a token. */
function toPrintableUrl(request: Pick<HttpRequest, 'url' | 'socketPath'>): string {
  const { protocol, host, pathname, search } = request.url;
  const origin = request.socketPath === undefined ? `${protocol}//${host}` : `unix:${request.socketPath}:`;
  return `${origin}${pathname}${search === '' ? '' : '?…'}`;
}

/** Tells the kind of a failure from what Node's sockets, TLS and HTTP parser reject with. */
export function toHttpError(error: unknown, request: HttpRequest): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof ProxyError) return new HttpError(error.kind, request, error.message, error.code, error.hint);
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  const kind = kindOf(code);
  return new HttpError(kind, request, reasonOf(kind, code, message), code);
}

const hints: Readonly<Record<DirectErrorKind, string>> = {
  refused: 'Check that HOST is right and running, and that this machine may connect to it (firewall, private endpoint).',
  dns: 'Check the spelling of HOST and that this machine can resolve it (private endpoint, DNS of the runner).',
  tls: 'Check that HOST is what you mean; a private certificate authority has to be added to the trusted ones (NODE_EXTRA_CA_CERTS).',
  reset: 'HOST or a proxy before it closed the connection; try again, and look at its log where it happens again.',
  timeout: 'HOST did not answer in time; try again, and look at its load and at the network in between.',
  'too-large': 'The answer is larger than anything that is expected there; check that HOST is what you mean.',
  protocol: 'Check that HOST speaks HTTP on that port (https, not http?).',
  cancelled: 'The run was cancelled.',
};

const tlsCode = /^(ERR_(TLS|SSL|OSSL)_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_|EPROTO)/;

function kindOf(code: string): DirectErrorKind {
  if (code === 'HPE_HEADER_OVERFLOW') return 'too-large';
  if (code.startsWith('HPE_') || code === 'ERR_HTTP_CONTENT_LENGTH_MISMATCH') return 'protocol';
  if (tlsCode.test(code)) return 'tls';
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return 'dns';
    case 'ECONNREFUSED':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'EACCES':
    case 'EPERM':
    case 'ENOENT':
    case 'ENOTSOCK':
      return 'refused';
    case 'ETIMEDOUT':
      return 'timeout';
    default:
      return 'reset';
  }
}

function reasonOf(kind: DirectErrorKind, code: string, message: string): string {
  switch (kind) {
    case 'dns':
      return `the host name does not resolve (${code})`;
    case 'refused':
      return `no connection (${code})`;
    case 'timeout':
      return `timed out (${code})`;
    case 'reset':
      return `the connection broke off (${code || firstLine(message)})`;
    case 'tls':
      return `TLS: ${firstLine(message)} (${code})`;
    case 'too-large':
      return 'the headers of the answer are too large';
    default:
      return `the answer is not HTTP (${code})`;
  }
}

function firstLine(text: string): string {
  return text.split(/[\r\n]/, 1)[0]?.slice(0, 200) ?? '';
}
