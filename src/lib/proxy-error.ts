import { describeProxy, type ProxyServer } from './proxy.ts';

export type ProxyErrorKind = 'proxy-unreachable' | 'proxy-unauthorized' | 'proxy-refused';

/** No connection was made, and it is the proxy's doing, not the target's. Its code begins with `PROXY_`. */
export class ProxyError extends Error {
  readonly kind: ProxyErrorKind;
  /** `PROXY_` and Node's code or the status, e.g. `PROXY_ECONNREFUSED`, `PROXY_403`. */
  readonly code: string;
  readonly hint: string;

  constructor(kind: ProxyErrorKind, code: string, reason: string, hint: string) {
    super(reason);
    this.name = 'ProxyError';
    this.kind = kind;
    this.code = code;
    this.hint = hint;
  }
}

export function unreachableProxy(proxy: ProxyServer, error: Error & { readonly code?: string }): ProxyError {
  const { code = 'ECONNRESET', message } = error;
  const reason = /^(?:E[A-Z_]+)$/.test(code) ? code : `${message.split(/[\r\n]/, 1)[0]?.slice(0, 200)} (${code})`;
  return new ProxyError(
    'proxy-unreachable',
    `PROXY_${code}`,
    `no connection to ${describeProxy(proxy)}: ${reason}`,
    `Check that ${proxy.variable} names a proxy that this machine may connect to, and whether it wants http:// or https://. The certificate of ` +
      'an https:// proxy has to be trusted (NODE_EXTRA_CA_CERTS). Hosts that are reached without a proxy go into NO_PROXY.',
  );
}

/** `target`: host and port that a tunnel was asked to; undefined for a request that the proxy was to pass on. */
export function refusedByProxy(proxy: ProxyServer, target: string | undefined, status: number): ProxyError {
  const name = describeProxy(proxy);
  // 401 is what tinyproxy says of a wrong password; behind a tunnel nobody else could say it.
  if (status === 407 || status === 401) {
    const isAnonymous = proxy.authorization === undefined;
    return new ProxyError(
      'proxy-unauthorized',
      `PROXY_${status}`,
      `${name} ${isAnonymous ? 'asks for a user and a password' : 'does not accept the user and password'} (${status})`,
      `Set ${proxy.variable} to http://USER:PASSWORD@HOST:PORT with both percent-encoded; only Basic authentication is spoken.`,
    );
  }
  return new ProxyError(
    'proxy-refused',
    `PROXY_${status}`,
    `${name} opens no tunnel to ${target} (${status})`,
    status >= 500
      ? `The proxy cannot reach ${target}: check the name, and the proxy's own network and DNS. Hosts that are reached without a proxy go into NO_PROXY.`
      : `Let the proxy allow CONNECT to ${target}. Hosts that are reached without a proxy go into NO_PROXY.`,
  );
}
