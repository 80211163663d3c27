import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isJsonObject, type JsonObject, parseStrictJson, StrictJsonError } from '../lib/strict-json.ts';
import { readDockerFile } from './docker-file.ts';
import { type DockerHost, parseDockerHost } from './docker-host.ts';
import { readDockerTls } from './docker-tls.ts';
import { failureOf, quote, type SourceFailure } from './source-error.ts';

/** What says where the Docker daemon is, by the variables of Docker's command line. An empty text is as none. */
export interface DockerSettings {
  /** DOCKER_HOST. */
  readonly host?: string | undefined;
  /** DOCKER_CONTEXT. */
  readonly context?: string | undefined;
  /** DOCKER_TLS_VERIFY: anything means yes. */
  readonly tlsVerify?: string | undefined;
  /** DOCKER_TLS: anything means TLS, with whoever answers. */
  readonly tls?: string | undefined;
  /** DOCKER_CERT_PATH; by default `configFolder`. */
  readonly certPath?: string | undefined;
  /** Folder of config.json and of the contexts; where absent there are none. */
  readonly configFolder?: string | undefined;
}

const defaultHost = 'unix:///var/run/docker.sock';
const defaultTlsHost = 'tcp://localhost:2376';
const defaultContext = 'default';

/**
 * Finds the daemon as Docker's command line does: DOCKER_HOST before DOCKER_CONTEXT before `currentContext` of config.json, else the socket of this
 * machine. https://docs.docker.com/engine/manage-resources/contexts/ and https://docs.docker.com/engine/security/protect-access/. Rejects with
 * a StepError that names the variable or the context, and the file.
 */
export async function findDockerHost(settings: DockerSettings): Promise<DockerHost> {
  const { host = '', configFolder } = settings;
  if (host !== '') {
    const fail = failureOf(`the Docker daemon of DOCKER_HOST=${JSON.stringify(host.replace(/\/\/[^/]*@/, '//***@'))}`);
    return await openDefault(host, settings, fail);
  }
  const context = await chooseContext(settings);
  if (context === undefined || context.name === defaultContext)
    return await openDefault(undefined, settings, failureOf('the Docker daemon'));
  const fail = failureOf(`the Docker daemon of context ${quote(context.name)} (${context.from})`);
  if (configFolder === undefined) throw missingContext(fail, 'no folder of contexts');
  return await openContext(context.name, join(configFolder, 'contexts'), fail);
}

/** The default context: what the variables say. */
async function openDefault(host: string | undefined, settings: DockerSettings, fail: SourceFailure): Promise<DockerHost> {
  const { tls = '', tlsVerify = '', certPath = '', configFolder = '' } = settings;
  const isTls = tls !== '' || tlsVerify !== '';
  const address = host ?? (isTls ? defaultTlsHost : defaultHost);
  if (!isTls || !address.startsWith('tcp://')) return parseDockerHost(address, undefined, fail);
  const folder = certPath === '' ? configFolder : certPath;
  const from = `DOCKER_CERT_PATH=${JSON.stringify(folder)}`;
  const party = await readDockerTls(folder, { verifiesServer: tlsVerify !== '', needsAuthority: tlsVerify !== '', from }, fail);
  return parseDockerHost(address, party, fail);
}

interface ChosenContext {
  readonly name: string;
  /** Who chose it, for messages. */
  readonly from: string;
}

async function chooseContext({ context = '', configFolder }: DockerSettings): Promise<ChosenContext | undefined> {
  if (context !== '') return { name: context, from: 'DOCKER_CONTEXT' };
  if (configFolder === undefined) return undefined;
  const path = join(configFolder, 'config.json');
  const fail = failureOf('the Docker daemon');
  const bytes = await readDockerFile(path, fail);
  const name = bytes === undefined ? undefined : parse(bytes, path, fail).currentContext;
  return typeof name === 'string' && name !== '' ? { name, from: `currentContext of ${path}` } : undefined;
}

/** A context's folder is called by the hash of its name: https://github.com/docker/cli/blob/v29.0.0/cli/context/store/store.go */
async function openContext(name: string, folder: string, fail: SourceFailure): Promise<DockerHost> {
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(folder, 'meta', id, 'meta.json');
  const bytes = await readDockerFile(path, fail);
  if (bytes === undefined) throw missingContext(fail, `there is no ${path}`);
  const endpoints = parse(bytes, path, fail).Endpoints;
  const endpoint = isJsonObject(endpoints) ? endpoints.docker : undefined;
  if (!isJsonObject(endpoint) || typeof endpoint.Host !== 'string' || endpoint.Host === '') {
    throw fail('source-form', `${path} names no endpoint "docker" with a Host`, 'Make the context again: docker context create.');
  }
  if (!endpoint.Host.startsWith('tcp://')) return parseDockerHost(endpoint.Host, undefined, fail);
  const tlsFolder = join(folder, 'tls', id, 'docker');
  const options = { verifiesServer: endpoint.SkipTLSVerify !== true, needsAuthority: false, from: `the context's folder ${tlsFolder}` };
  return parseDockerHost(endpoint.Host, await readDockerTls(tlsFolder, options, fail), fail);
}

function missingContext(fail: SourceFailure, reason: string) {
  return fail(
    'source-not-found',
    `there is no such context: ${reason}`,
    'docker context ls lists what there is; DOCKER_CONFIG names the folder they are in; DOCKER_HOST or DOCKER_CONTEXT=default choose another daemon.',
  );
}

function parse(bytes: Buffer, path: string, fail: SourceFailure): JsonObject {
  try {
    const maps = ['auths', 'credHelpers', 'HttpHeaders', 'plugins', 'aliases', 'Metadata', 'Endpoints'];
    const value = parseStrictJson(bytes, { maps });
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    throw fail('source-form', `${path} cannot be read: ${error.message}`, 'Mend the file, or set DOCKER_HOST.');
  }
  throw fail('source-form', `${path} is no JSON object`, 'Mend the file, or set DOCKER_HOST.');
}
