import type { HostKind } from '../../main/step-run.ts';
import { type Credential, readIssued, type Sent, type ServedExchange } from './credentials.ts';
import type { Observed } from './observe.ts';
import { CanarySearch } from './search.ts';
import { viewsOf } from './unpacked.ts';

export interface Evidence {
  readonly host: HostKind;
  readonly observed: Observed;
  readonly exchanges: readonly ServedExchange[];
  /** Names by which the run was to hand secrets to later steps: the one command or file that does it may hold their values. */
  readonly exported: readonly string[];
  /** What was planted; what was handed out meanwhile is read from the exchanges. */
  readonly planted: readonly Credential[];
}

/** Everything of any credential that was seen where it does not belong: `client secret (base64 at 1, 40 bytes) in stderr`. */
export function findLeaks({ host, observed, exchanges, exported, planted }: Evidence): readonly string[] {
  const credentials = [...planted, ...readIssued(exchanges)];
  const search = new CanarySearch(credentials);
  const leaks = new Set<string>();
  const look = (place: string, bytes: Buffer, mayHold: (canary: string) => boolean = () => false, encoding = ''): void => {
    for (const view of viewsOf(bytes, encoding)) {
      for (const { canary, encoding: form, sizeBytes } of search.find(view)) {
        if (!mayHold(canary)) leaks.add(`${canary} (${form}, ${sizeBytes} bytes) in ${place}`);
      }
    }
  };
  look('stdout', Buffer.from(withoutMasks(host, observed.stdout.toString('latin1'), exported), 'latin1'));
  look('stderr', observed.stderr);
  for (const [path, content] of observed.files) look(path, withoutOutputs(path, content, exported));
  for (const child of observed.children) look(`a started program: ${child.slice(0, 120)}`, Buffer.from(child));

  // All servers of the harness are on this machine.
  for (const address of observed.addresses) leaks.add(`a connection to ${address}`);

  const allows = (sent: Sent) => (canary: string) => credentials.some(({ name, mayGo }) => name === canary && mayGo(sent));
  const bodies = new Map<string, Buffer[]>();
  for (const { service, request } of exchanges) {
    const { method, url, headers, body } = request;
    const at = (part: string): Sent => ({ service, method, path: url.pathname, part });
    const place = (part: string): string => `${part} of ${method} ${url.pathname} to ${service}`;
    look(place('URL'), Buffer.from(`${url.pathname}${url.search}`), allows(at('url')));
    for (const [name, value] of Object.entries(headers)) look(place(name), Buffer.from(String(value), 'latin1'), allows(at(name)));
    look(place('body'), body, allows(at('body')), headers['content-encoding']);
    bodies.set(service, [...(bodies.get(service) ?? []), body]);
  }
  // One that is cut over several requests.
  for (const [service, parts] of bodies) {
    const mayGo = (canary: string): boolean =>
      exchanges.some(
        ({ request: { method, url }, service: other }) =>
          other === service && allows({ service, method, path: url.pathname, part: 'body' })(canary),
      );
    look(`all bodies to ${service}`, Buffer.concat(parts), mayGo);
  }
  return [...leaks];
}

/** The commands that tell a runner what to hide are the one place where a secret has to be: the runner takes them and shows them to nobody. */
function withoutMasks(host: HostKind, stdout: string, exported: readonly string[]): string {
  switch (host) {
    case 'github':
      return stdout.replace(/^::add-mask::.*$/gm, '');
    case 'azure-pipelines':
      return exported.reduce(
        (rest, name) =>
          rest.replace(new RegExp(`^##vso\\[task\\.setvariable variable=${name};(?=[^\\]]*issecret=true)[^\\]]*\\].*$`, 'gmi'), ''),
        stdout.replace(/^##vso\[task\.setsecret\].*$/gm, ''),
      );
    case 'cli':
      return stdout;
  }
}

/** The runner's file of outputs, without those that the run was to hand on: https://docs.github.com/actions/reference/workflow-commands-for-github-actions#multiline-strings */
function withoutOutputs(path: string, content: Buffer, exported: readonly string[]): Buffer {
  if (!path.endsWith('/commands/output') || exported.length === 0) return content;
  const text = exported.reduce(
    (rest, name) => rest.replace(new RegExp(`^${name}<<(.+)\\n[\\s\\S]*?\\n\\1$`, 'm'), ''),
    content.toString('latin1'),
  );
  return Buffer.from(text, 'latin1');
}
