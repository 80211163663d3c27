import type { KeyObject } from 'node:crypto';
import type { Exchange } from '../../../src/sandbox/exchange.ts';
import type { Canary } from './search.ts';

/** A part of a request that a server was sent. */
export interface Sent {
  /** Name of the server. */
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** `url`, `body`, or the name of a header. */
  readonly part: string;
}

/** A credential that may be seen in some requests, and nowhere else. */
export interface Credential extends Canary {
  mayGo(sent: Sent): boolean;
}

export interface ServedExchange extends Exchange {
  readonly service: string;
}

export const nowhere = (): boolean => false;

/** In the header that authorizes requests of one server. */
export function authorizes(service: string, path = /^/): Credential['mayGo'] {
  return (sent) => sent.service === service && sent.part === 'authorization' && path.test(sent.path);
}

/** In the form that a token endpoint is sent. */
export function inForm(service: string, path: RegExp): Credential['mayGo'] {
  return (sent) => sent.service === service && sent.part === 'body' && sent.method === 'POST' && path.test(sent.path);
}

export function either(...rules: readonly Credential['mayGo'][]): Credential['mayGo'] {
  return (sent) => rules.some((rule) => rule(sent));
}

export function text(name: string, value: string, mayGo: Credential['mayGo'] = nowhere): Credential {
  return { name, value: Buffer.from(value), mayGo };
}

/** What of a private key is in no certificate: its private number, however the key is written down. */
export function privateKey(name: string, key: KeyObject): Credential {
  const { d = '' } = key.export({ format: 'jwk' });
  return { name, value: Buffer.from(d, 'base64url'), mayGo: nowhere };
}

/** A token of which everything but the signature may be known: the signature. */
export function token(name: string, value: string, mayGo: Credential['mayGo']): Credential {
  const signature = /^[\w-]+\.[\w-]+\.([\w-]+)$/.exec(value)?.[1];
  return text(name, signature ?? value, mayGo);
}

const tokenEndpoint = /\/oauth2\/v2\.0\/token$/;

/** The credentials that servers have handed out, and the assertions that the program has made. */
export function readIssued(exchanges: readonly ServedExchange[]): readonly Credential[] {
  const issued = exchanges.flatMap(({ service, request, answer }) => [
    ...readAssertion(service, request.body),
    ...readTokens(service, request.url, answer?.body ?? Buffer.alloc(0)),
  ]);
  return [...new Map(issued.map((credential) => [`${credential.name} ${credential.value.toString('latin1')}`, credential])).values()];
}

function readAssertion(service: string, body: Buffer): readonly Credential[] {
  const assertion = /^entra/.test(service) ? new URLSearchParams(body.toString('latin1')).get('client_assertion') : null;
  return assertion === null ? [] : [token('client assertion', assertion, inForm(service, tokenEndpoint))];
}

function readTokens(service: string, url: URL, body: Buffer): readonly Credential[] {
  const answer = parseObject(body);
  const read = (name: string): string | undefined =>
    typeof answer[name] === 'string' && answer[name].length > 20 ? answer[name] : undefined;
  const [accessToken, refreshToken, bare] = [read('access_token'), read('refresh_token'), read('token')];
  switch (service.split(' ')[0]) {
    case 'entra':
    case 'imds':
    case 'app-service':
      return accessToken === undefined ? [] : [token(`token of ${service}`, accessToken, toResource(accessToken))];
    case 'github':
      return /idtoken/.test(url.pathname) && read('value') !== undefined
        ? [token('identity token of GitHub', read('value') ?? '', inForm('entra', tokenEndpoint))]
        : [];
    case 'azure-devops':
      return read('oidcToken') === undefined
        ? []
        : [token('identity token of Azure DevOps', read('oidcToken') ?? '', inForm('entra', tokenEndpoint))];
    case 'registry':
      return [
        ...(refreshToken === undefined ? [] : [token(`refresh token of ${service}`, refreshToken, inForm(service, /\/token$/))]),
        ...[accessToken, bare].flatMap((value) => (value === undefined ? [] : [token(`token of ${service}`, value, authorizes(service))])),
      ];
    default:
      return [];
  }
}

/** Where the audience of an access token of Entra ID lets it go. */
function toResource(accessToken: string): Credential['mayGo'] {
  const { aud = '' } = parseObject(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url'));
  if (/vault/.test(String(aud))) return (sent) => /^vault/.test(sent.service) && sent.part === 'authorization';
  return (sent) => sent.service === 'registry acr' && sent.part === 'body' && sent.path === '/oauth2/exchange';
}

function parseObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
