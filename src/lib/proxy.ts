import { SecretValue } from './secret-value.ts';
import { StepError } from './step-error.ts';

/** A server that passes requests on. */
export interface ProxyServer {
  /** The variable that names it, for messages. */
  readonly variable: string;
  /** http: or https:, host and port; no user, no path. */
  readonly url: URL;
  /** Value of Proxy-Authorization. */
  readonly authorization: SecretValue | undefined;
  /** What may not be seen: the password in both spellings, and the header. */
  readonly secrets: readonly SecretValue[];
}

/** The proxy that a URL is asked of; undefined where it is asked directly. */
export type ChooseProxy = (url: URL) => ProxyServer | undefined;

/** The proxies of a process, and what is asked of which. */
export interface ProxyChoice {
  readonly servers: readonly ProxyServer[];
  readonly choose: ChooseProxy;
}

/**
 * Reads the address of a proxy as curl and Go do: `http://` where no scheme is given, user and password percent-encoded before the host.
 * Throws a StepError that quotes nothing of the value, for wherever in it a password is misplaced.
 */
export function parseProxy(variable: string, value: string): ProxyServer {
  const [, scheme = 'http', rest = value.trim()] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(value.trim()) ?? [];
  const protocol = scheme.toLowerCase();
  if (/^socks/.test(protocol)) throw refusal(variable, 'names a SOCKS proxy, and only HTTP proxies are spoken to');
  if (protocol !== 'http' && protocol !== 'https') throw refusal(variable, 'is no http or https address');
  const address = `${protocol}://${rest}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.hostname === '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw refusal(variable, 'is not the address of a proxy');
  }
  const user = decode(url.username);
  const password = decode(url.password);
  if (user === undefined || password === undefined) throw refusal(variable, 'has a user or password that is not percent-encoded');
  const header = url.username === '' && url.password === '' ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return {
    variable,
    url: new URL(url.origin),
    authorization: header === undefined ? undefined : new SecretValue(header),
    secrets: [password, url.password, header?.slice('Basic '.length) ?? '']
      .filter((text) => text !== '')
      .map((text) => new SecretValue(text)),
  };
}

/** How a proxy is called in messages. */
export function describeProxy({ url, variable }: ProxyServer): string {
  return `the proxy ${url.origin} (${variable})`;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function refusal(variable: string, reason: string): StepError {
  return new StepError({
    code: 'proxy-invalid',
    origin: 'input',
    message: `Cannot use ${variable}: it ${reason}`,
    hint:
      `Set ${variable} to http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ before the host where the proxy asks for it ` +
      '(percent-encoded: @ is %40, # is %23, / is %2F), or unset it.',
  });
}
