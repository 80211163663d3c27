import type { TlsParty } from '../lib/http.ts';
import { isLoopbackHost } from '../lib/http-reach.ts';
import type { SourceFailure } from './source-error.ts';

/** Where a Docker daemon listens. */
export interface DockerHost {
  /** For messages: the path of the socket, or the address. */
  readonly description: string;
  readonly origin: string;
  readonly socketPath?: string;
  readonly tls?: TlsParty;
}

const hint =
  'Accepted: unix:///PATH/docker.sock, tcp://127.0.0.1:PORT, or tcp://HOST:PORT with TLS: DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH=FOLDER of ca.pem, ' +
  'cert.pem and key.pem, or a context that has them.';

/**
 * Reads the address of a daemon, as DOCKER_HOST and contexts have it: https://docs.docker.com/reference/cli/docker/#environment-variables. A
 * daemon is root on its machine, so one on another is spoken to only where its certificate is checked.
 */
export function parseDockerHost(text: string, tls: TlsParty | undefined, fail: SourceFailure): DockerHost {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === 'unix' && rest.startsWith('/')) {
    return { description: rest, origin: 'http://localhost', socketPath: rest };
  }
  if (scheme === 'ssh') {
    throw fail(
      'source-form',
      'ssh:// is not supported',
      'Forward its socket and name that: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, then DOCKER_HOST=unix:///tmp/docker.sock; or docker save to an archive.',
    );
  }
  if (scheme === 'npipe') {
    throw fail(
      'source-form',
      'npipe:// (Docker on Windows) is not supported',
      `Save the image to an archive: docker save -o FILE IMAGE, then docker-archive:FILE. ${hint}`,
    );
  }
  if (scheme !== 'tcp') {
    throw fail('source-form', 'it has none of the accepted forms', hint);
  }
  const protocol = tls === undefined ? 'http' : 'https';
  const url = URL.canParse(`${protocol}://${rest}`) ? new URL(`${protocol}://${rest}`) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw fail('source-form', 'it is no host and port', hint);
  }
  if (!isLoopbackHost(url.hostname) && tls?.verifiesServer !== true) {
    const reason = tls === undefined ? 'without TLS' : 'without a check of its certificate';
    throw fail('source-form', `it is on another machine, and would be spoken to ${reason}`, hint);
  }
  const port = portOf(rest) ?? (tls === undefined ? '2375' : '2376');
  return { description: text, origin: `${protocol}://${url.hostname}:${port}`, ...(tls === undefined ? {} : { tls }) };
}

/** `URL.port` is empty for the one that a protocol has by itself. */
function portOf(authority: string): string | undefined {
  return /:(\d+)\/?$/.exec(authority)?.[1];
}
