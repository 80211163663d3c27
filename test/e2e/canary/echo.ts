import type { Answer, ReceivedRequest } from '../../../src/sandbox/exchange.ts';
import { toForms } from './encodings.ts';

/** Encodings in which some server may give back what it was sent. Error messages are cut, so an echo has one of them. */
export const echoes = ['raw', 'base64 at 0', 'base64url at 0', 'percent', 'form', 'JSON', 'JSON in JSON', 'HTML', 'hex'] as const;
export type EchoForm = (typeof echoes)[number];

/** The credentials of a request, as a server with no manners gives them back. */
function toEcho({ headers, body, url }: ReceivedRequest, encoding: EchoForm): string {
  const { authorization = '' } = headers;
  const form = [...new URLSearchParams(body.toString('utf8'))].filter(([name]) => !/scope|grant_type|_id|_type|service/.test(name));
  const login = Buffer.from(/^Basic (.*)$/i.exec(authorization)?.[1] ?? '', 'base64').toString('utf8');
  const values = [login.slice(login.indexOf(':') + 1), ...form.map(([, value]) => value), authorization, url.href];
  const encoded = values
    .filter((value) => value.length > 8)
    .map(
      (value) =>
        toForms(Buffer.from(value))
          .find((one) => one.encoding === encoding)
          ?.bytes.toString('utf8') ?? value,
    );
  return `no: ${encoded.join(' ')}`;
}

/** Refuses with the error of Entra ID's token endpoint. */
export function echoAsEntra(code: number, form: EchoForm): (request: ReceivedRequest) => Answer {
  return (request) => {
    const description = `AADSTS${code}: ${toEcho(request, form)}\r\nTrace ID: 0\r\nTimestamp: 2026-01-01 00:00:00Z`;
    return json(400, { error: 'invalid_client', error_description: description, error_codes: [code], suberror: description });
  };
}

/** Refuses with the error of Key Vault. */
export function echoAsVault(status: number, inner: string, form: EchoForm): (request: ReceivedRequest) => Answer {
  return (request) =>
    json(status, {
      error: { code: 'Forbidden', message: toEcho(request, form), innererror: { code: inner, message: toEcho(request, form) } },
    });
}

/** Refuses with the errors of the distribution specification, of GitHub and of Azure DevOps at once. */
export function echoAsErrors(status: number, form: EchoForm): (request: ReceivedRequest) => Answer {
  return (request) => {
    const echo = toEcho(request, form);
    return json(status, {
      errors: [{ code: 'DENIED', message: echo, detail: echo }],
      message: echo,
      typeKey: echo,
      documentation_url: echo,
    });
  };
}

/** Refuses with every header, as the endpoint of a machine would word it. */
export function echoHeaders(form: EchoForm): (request: ReceivedRequest) => Answer {
  return ({ headers }) => {
    const values = Object.values(headers).flatMap((value) =>
      toForms(Buffer.from(String(value))).filter(({ encoding }) => encoding === form),
    );
    return json(400, { statusCode: 400, message: `no: ${values.map(({ bytes }) => bytes.toString('utf8')).join(' ')}` });
  };
}

/** Refuses with what is no error of any service. */
export function echoAsText(status: number, form: EchoForm): (request: ReceivedRequest) => Answer {
  return (request) => ({ status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(toEcho(request, form)) });
}

function json(status: number, value: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}
