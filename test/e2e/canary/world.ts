import { createPrivateKey, randomBytes, randomInt } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exchange } from '../../../src/sandbox/exchange.ts';
import { type KeyVaultOptions, startKeyVault } from '../../../src/sandbox/key-vault.ts';
import type { RegistryOptions } from '../../../src/sandbox/registry.ts';
import type { TlsIdentity } from '../../../src/sandbox/stand-in.ts';
import { startForwardProxy } from '../../lib/forward-proxy.ts';
import { openPlace, type Place } from '../../main/place.ts';
import { type HostKind, prepareStep, readErrors } from '../../main/step-run.ts';
import { authorizes, type Credential, either, inForm, privateKey, type ServedExchange, text } from './credentials.ts';
import { type Observed, observe } from './observe.ts';
import { type Recorder, type RecorderOptions, startRecorder } from './recorder.ts';
import { findLeaks } from './report.ts';

/** What a run is given. */
export interface Scene {
  readonly inputs: Readonly<Record<string, string>>;
  /** On top of what the runner gives; an undefined one is taken out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Names that the run hands to later steps. */
  readonly exported?: readonly string[];
  /** Arguments of the command line in place of inputs. */
  readonly args?: readonly string[];
}

export interface CanaryRun {
  readonly exitCode: number | undefined;
  readonly observed: Observed;
  readonly exchanges: readonly ServedExchange[];
  readonly leaks: readonly string[];
  /** Each error with its hint. */
  readonly errors: readonly string[];
}

/** A sandbox with recognisable values in every credential, and a machine that a runner has set up with more of them. One run at a time. */
export interface CanaryWorld {
  readonly place: Place;
  readonly planted: readonly Credential[];
  /** `HOST/team/app:1.0` of a registry that takes the vault's password and records everything. */
  readonly registry: Recorder;
  /** A server that no credential is for. */
  readonly elsewhere: Recorder;
  /** `example.azurecr.io`, which exchanges the identity's token; reached through the proxy. */
  readonly azureRegistry: string;
  /** Environment of a machine with a proxy that wants a password, and Docker's configuration. */
  readonly machine: Readonly<Record<string, string>>;
  /** What documents call a server, by its host and port. */
  readonly names: ReadonlyMap<string, string>;
  /** IDENTITY_HEADER of the app that the machine runs. */
  readonly appHeader: string;
  /** Folder with `key.pem`, `cert.pem` and `ca.pem` of Docker's client. */
  readonly certificates: string;
  closeLater(close: () => unknown): void;
  /** Names a server whose exchanges are to be recorded. */
  serve(service: string, url: string): void;
  readonly record: (exchange: Exchange) => void;
  startRegistry(name: string, options?: Partial<RegistryOptions>, front?: Front): Promise<Recorder>;
  /** A registry of that name, reached through the proxy, in place of one before it; one of `azurecr.io` exchanges the identity's token. */
  startNamedRegistry(host: string, options?: Partial<RegistryOptions>, front?: Pick<RecorderOptions, 'tamper' | 'tls'>): Promise<string>;
  /** A vault of the sandbox's tenant that is called `example-vault`, in place of one before it; gives that name. */
  startVault(options: Partial<KeyVaultOptions>, front?: Pick<RecorderOptions, 'tamper' | 'tls'>): Promise<string>;
  /** Address of a server that stands before one of the sandbox and answers for it where it wants to; its exchanges count as that one's. */
  standBefore(service: string, tamper: RecorderOptions['tamper'], tls?: TlsIdentity): Promise<string>;
  run(host: HostKind, scene: Scene, options?: RunOptions): Promise<CanaryRun>;
  close(): Promise<void>;
}

type Front = Pick<RecorderOptions, 'tamper' | 'tls'> & { readonly host?: string };

export interface RunOptions {
  /** Default: the one that runs the tests. */
  readonly node?: string;
  /** In place of the host's bundle. */
  readonly program?: string;
  /** Told of each exchange with the process that made it. */
  readonly onExchange?: (exchange: ServedExchange, pid: number) => void;
}

const azureName = 'example.azurecr.io';
const vaultName = 'example-vault';

/** `programs`: the folder with the bundles. */
export async function openCanaryWorld(programs: string): Promise<CanaryWorld> {
  const services = new Map<string, string>();
  let exchanges: ServedExchange[] = [];
  let notify: (exchange: ServedExchange) => void = () => undefined;
  const record = (exchange: Exchange): void => {
    const served = { ...exchange, service: services.get(exchange.request.url.origin) ?? exchange.request.url.origin };
    exchanges.push(served);
    notify(served);
  };
  const values = createValues();
  const place = await openPlace({ password: values.password, secrets: { lines: values.lines, short: values.short }, onExchange: record });
  const { sandbox, folder } = place;
  for (const [name, { url }] of Object.entries({ entra: sandbox.entra, vault: sandbox.vault, github: sandbox.github }))
    services.set(url, name);
  services.set(sandbox.azureDevops.url, 'azure-devops').set(sandbox.osv.url, 'osv').set(sandbox.metadata.url, 'imds');

  const names = new Map([
    [new URL(sandbox.entra.url).host, 'login.microsoftonline.com'],
    [new URL(sandbox.vault.url).host, 'vault.example.com'],
    [new URL(sandbox.github.url).host, 'api.github.com'],
    [new URL(sandbox.azureDevops.url).host, 'dev.azure.com'],
  ]);
  const closers: (() => unknown)[] = [];
  const startNamed = async (name: string, options: Partial<RegistryOptions>, front: Front = {}): Promise<Recorder> => {
    const target = await place.startRegistry(options);
    const { host, tamper } = front;
    const tls = front.tls ?? (host === undefined ? undefined : await sandbox.authority.issueTls([host]));
    const named = { ...(tls === undefined ? {} : { tls }), ...(host === undefined ? {} : { name: host }) };
    const recorder = await startRecorder({ target: new URL(target.url), onExchange: record, tamper, ...named });
    services.set(host === undefined ? recorder.url.origin : `https://${host}`, `registry ${name}`);
    if (host === undefined) names.set(recorder.host, 'registry.example.com');
    closers.push(() => recorder.close());
    return recorder;
  };
  const registry = await startNamed('password', {});
  const elsewhere = await startNamed('elsewhere', { auth: { kind: 'none' } });
  services.set(elsewhere.url.origin, 'elsewhere');
  const grants = [{ repository: 'team/*', actions: ['pull', 'push'] as const }];
  const verifyEntraToken = async (token: string) => {
    const claims = await sandbox.entra.verifyToken(token, 'https://containerregistry.azure.net').catch(() => undefined);
    return claims === undefined
      ? { ok: false as const, reason: 'the token is not for this registry' }
      : { ok: true as const, name: claims.oid, grants };
  };
  const acr = await startNamed('acr', { auth: { kind: 'acr', verifyEntraToken }, service: azureName }, { host: azureName });
  const hosts: Record<string, URL> = { [`${azureName}:443`]: acr.url };
  const proxy = await startForwardProxy({
    hosts,
    login: `me:${values.proxy}`,
    onRequest: ({ method = '', url = '', headers }) =>
      exchanges.push({
        service: 'proxy',
        request: { method, url: new URL(`http://proxy/${encodeURIComponent(url)}`), headers, body: Buffer.alloc(0) },
        answer: undefined,
      }),
  });
  closers.push(() => proxy.close());
  const machine = await prepareMachine(folder, values, proxy.address(`me:${encodeURIComponent(values.proxy)}`));
  const docker = await sandbox.authority.issueTls();
  const pem = { 'key.pem': docker.keyPem, 'cert.pem': docker.certificatePem, 'ca.pem': sandbox.authority.certificatePem };
  await Promise.all(Object.entries(pem).map(([name, content]) => writeFile(join(folder, 'machine/docker', name), content)));
  const planted = [...(await plant(place, values)), privateKey("key of Docker's client", createPrivateKey(docker.keyPem))];
  let runs = 0;

  return {
    place,
    planted,
    registry,
    elsewhere,
    azureRegistry: azureName,
    machine,
    record,
    names,
    appHeader: values.appHeader,
    certificates: join(folder, 'machine/docker'),
    closeLater: (close) => void closers.push(close),
    serve: (service, url) => void services.set(new URL(url).origin, service),
    startRegistry: (name, options = {}, front = {}) => startNamed(name, options, front),
    startNamedRegistry: async (host, options = {}, { tamper, tls } = {}) => {
      const isAzure = host.endsWith('.azurecr.io');
      const azure = isAzure ? { auth: { kind: 'acr' as const, verifyEntraToken } } : {};
      const recorder = await startNamed(isAzure ? 'acr' : 'other', { service: host, ...azure, ...options }, { host, tamper, tls });
      hosts[`${host}:443`] = recorder.url;
      return host;
    },
    startVault: async (options, { tamper, tls } = {}) => {
      const { entra, authority, identity } = sandbox;
      const grants = { [identity.objectId]: ['secrets/get', 'certificates/get', 'keys/get', 'keys/sign'] as const };
      const secrets = [{ name: 'registry-password', value: values.password }];
      const vault = await startKeyVault({ entra, grants, name: vaultName, secrets, ...options });
      const host = `${vaultName}.vault.azure.net`;
      const recorder = await startRecorder({
        target: new URL(vault.url),
        onExchange: record,
        name: host,
        tls: tls ?? (await authority.issueTls([host])),
        tamper,
      });
      hosts[`${host}:443`] = recorder.url;
      services.set(`https://${host}`, 'vault of its own');
      closers.push(
        () => recorder.close(),
        () => vault.close(),
      );
      return vaultName;
    },
    standBefore: async (service, tamper, stranger) => {
      const [target] = Array.from(services).find(([, name]) => name === service) ?? [''];
      const tls = target.startsWith('https:') ? { tls: stranger ?? (await sandbox.authority.issueTls()) } : {};
      const recorder = await startRecorder({ target: new URL(target), onExchange: record, tamper, ...tls });
      services.set(recorder.url.origin, service);
      names.set(recorder.host, names.get(new URL(target).host) ?? recorder.host);
      closers.push(() => recorder.close());
      return recorder.url.origin;
    },
    run: async (host, scene, options = {}) => {
      runs += 1;
      exchanges = [];
      const step = join(folder, `run-${runs}`);
      const scratch = join(folder, `scratch-${runs}`);
      await Promise.all([step, scratch].map((path) => mkdir(path)));
      const prepared = await prepareStep(host, place, step, place.workspace, scene.inputs);
      const env = { ...machine, ...prepared.env, TMPDIR: step, XDG_CACHE_HOME: join(step, 'cache'), ...scene.env };
      const observed = await observe({
        node: options.node ?? process.execPath,
        args: [options.program ?? join(programs, `${host}.js`), ...(scene.args ?? prepared.args)],
        env: Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)),
        cwd: place.workspace,
        folders: [step, place.workspace, join(folder, 'machine')],
        scratch,
        onStart: (pid) => {
          notify = (exchange) => options.onExchange?.(exchange, pid());
        },
      });
      notify = () => undefined;
      const { exitCode, stdout, stderr } = observed;
      const leaks = findLeaks({ host, observed, exchanges, planted, exported: scene.exported ?? [] });
      return { exitCode, observed, exchanges, leaks, errors: readErrors(host, stdout.toString('utf8'), stderr.toString('utf8')) };
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
      await place.close();
    },
  };
}

type Values = ReturnType<typeof createValues>;

/** Random, so that nothing else is like them, and with what each encoding spells in its own way. */
function createValues() {
  const value = (): string => randomBytes(24).toString('base64url');
  const odd = (): string =>
    [...'+/=&%"<\\é> \''].map((character) => `${randomBytes(6).toString('base64url').slice(0, randomInt(3, 8))}${character}`).join('');
  return {
    password: odd(),
    lines: JSON.stringify({ [value()]: `${value()}\n${randomBytes(96).toString('base64')}\n`, [value()]: { [value()]: value() } }, null, 2),
    /** Of several short lines: none of them is long enough to be searched for by itself. */
    short: Array.from({ length: 6 }, () => randomBytes(6).toString('base64url')).join('\n'),
    proxy: odd(),
    stored: odd(),
    identityToken: value(),
    appHeader: value(),
  };
}

async function prepareMachine(folder: string, { stored, identityToken }: Values, proxy: string): Promise<Readonly<Record<string, string>>> {
  const [docker, bin] = [join(folder, 'machine/docker'), join(folder, 'machine/bin')];
  await Promise.all([docker, bin].map((path) => mkdir(path, { recursive: true })));
  const auths = {
    'stored.example': { auth: Buffer.from(`me:${stored}`).toString('base64') },
    'token.example': { identitytoken: identityToken },
  };
  await writeFile(join(docker, 'config.json'), JSON.stringify({ auths }));
  for (const name of ['az', 'docker-credential-pass']) {
    await writeFile(join(bin, name), '#!/bin/sh\nexit 1\n');
    await chmod(join(bin, name), 0o755);
  }
  return { DOCKER_CONFIG: docker, HTTPS_PROXY: proxy, PATH: bin };
}

async function plant(place: Place, values: Values): Promise<readonly Credential[]> {
  const { sandbox, key } = place;
  const github = await sandbox.prepareGithubStep({ folder: await place.newFolder('probe'), inputs: {} });
  const azure = await sandbox.prepareAzurePipelinesStep({ folder: await place.newFolder('probe'), inputs: {} });
  const isRegistry = either(...['password', 'other', 'acr', 'stored'].map((name) => authorizes(`registry ${name}`)));
  return [
    text('client secret', sandbox.identity.clientSecret, inForm('entra', /\/token$/)),
    text('registry password', values.password, isRegistry),
    text('GitHub token', sandbox.githubToken, authorizes('github')),
    text('request token of GitHub', github.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '', authorizes('github', /idtoken/)),
    text('token of the job', azure.env.ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN ?? '', authorizes('azure-devops')),
    text('secret of several lines', values.lines),
    text('secret of short lines', values.short),
    text('proxy password', values.proxy, (sent) => sent.service === 'proxy' && sent.part === 'proxy-authorization'),
    text("password in Docker's configuration", values.stored, authorizes('registry other')),
    text(
      "token in Docker's configuration",
      values.identityToken,
      either(inForm('registry other', /token/), inForm('registry acr', /token/)),
    ),
    text('identity header', values.appHeader, (sent) => sent.service === 'app-service' && /^x-identity-header$|^secret$/.test(sent.part)),
    privateKey('signing key', createPrivateKey(key)),
    privateKey('key of the client certificate', createPrivateKey(await sandbox.clientCertificate())),
  ];
}
