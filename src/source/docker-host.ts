import { isIP } from 'node:net';
import { failureOf } from './source-error.ts';

/** Where a Docker daemon listens. */
export interface DockerHost {
  /** For messages: the path of the socket, or the address. */
  readonly description: string;
  readonly origin: string;
  readonly socketPath?: string;
}

const defaultDockerHost = 'unix:///var/run/docker.sock';

const hint = 'Accepted: unix:///PATH/docker.sock, or tcp://127.0.0.1:PORT (without TLS only on this machine).';

/**
 * Reads a value of DOCKER_HOST: https://docs.docker.com/reference/cli/docker/#environment-variables. A daemon is root on its machine, so it
 * is not spoken to over a network in the clear.
 */
export function parseDockerHost(value: string | undefined): DockerHost {
  const text = value === undefined || value === '' ? defaultDockerHost : value;
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  const refuse = (reason: string) => failureOf(`the Docker daemon of DOCKER_HOST=${JSON.stringify(text)}`)('source-form', reason, hint);
  if (scheme === 'unix' && rest.startsWith('/')) {
    return { description: rest, origin: 'http://localhost', socketPath: rest };
  }
  if (scheme !== 'tcp') {
    throw refuse(scheme === 'npipe' || scheme === 'ssh' ? `${scheme}:// is not supported` : 'it has none of the accepted forms');
  }
  const address = `http://${rest}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.username !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw refuse('it is no host and port');
  }
  if (!isLoopback(url.hostname)) {
    throw refuse('it is on another machine, and TLS client certificates are not supported');
  }
  return { description: text, origin: `http://${url.hostname}:${url.port === '' ? '2375' : url.port}` };
}

/** A name is taken for this machine only where it always is. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
}
