import type { Exchange } from '../../../src/sandbox/exchange.ts';
import { type KeyVaultOptions, startKeyVault } from '../../../src/sandbox/key-vault.ts';
import type { RegistryOptions } from '../../../src/sandbox/registry.ts';
import type { TlsIdentity } from '../../../src/sandbox/stand-in.ts';
import { startForwardProxy } from '../../lib/forward-proxy.ts';
import { openPlace, type Place } from '../../main/place.ts';
import type { ServedExchange } from './credentials.ts';
import { createValues, type Values } from './planted.ts';
import { type Recorder, type RecorderOptions, startRecorder } from './recorder.ts';

/** How a server is reached, and what is done to its answers. */
type Front = Pick<RecorderOptions, 'tamper' | 'tls'> & { readonly host?: string };

/** `example.azurecr.io`, which exchanges the identity's token; reached through the proxy. */
export const azureName = 'example.azurecr.io';
const vaultName = 'example-vault';

/** A sandbox whose exchanges are recorded by the name of their server. */
export interface RecordedPlace {
  readonly place: Place;
  readonly values: Values;
  readonly record: (exchange: Exchange) => void;
  /** What `record` calls with each exchange. */
  listen(listener: (exchange: ServedExchange) => void): void;
  /** By the origin that they are spoken to at. */
  readonly services: Map<string, string>;
}

export async function openRecordedPlace(): Promise<RecordedPlace> {
  const services = new Map<string, string>();
  let told: (exchange: ServedExchange) => void = () => undefined;
  const record = (exchange: Exchange): void => {
    const { origin } = exchange.request.url;
    told({ ...exchange, service: services.get(origin) ?? origin });
  };
  const values = createValues();
  const place = await openPlace({ password: values.password, secrets: { lines: values.lines, short: values.short }, onExchange: record });
  const { entra, vault, github, azureDevops, osv, metadata } = place.sandbox;
  for (const [name, { url }] of Object.entries({ entra, vault, github, 'azure-devops': azureDevops, osv, imds: metadata }))
    services.set(url, name);
  const listen = (listener: typeof told): void => {
    told = listener;
  };
  return { place, values, record, services, listen };
}

/** The servers beside those of the sandbox, each recorded; closed together. */
export class CanaryServers {
  readonly place: Place;
  /** What documents call a server, by its host and port. */
  readonly names: Map<string, string>;
  readonly record: (exchange: Exchange) => void;
  readonly #values: Values;
  readonly #services: Map<string, string>;
  /** Where the proxy leads, by host and port. */
  readonly #hosts: Record<string, URL> = {};
  readonly #closers: (() => unknown)[] = [];

  constructor({ place, values, record, services }: RecordedPlace) {
    this.place = place;
    this.record = record;
    this.#values = values;
    this.#services = services;
    const { entra, vault, github, azureDevops } = place.sandbox;
    this.names = new Map([
      [new URL(entra.url).host, 'login.microsoftonline.com'],
      [new URL(vault.url).host, 'vault.example.com'],
      [new URL(github.url).host, 'api.github.com'],
      [new URL(azureDevops.url).host, 'dev.azure.com'],
    ]);
  }

  closeLater(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Names a server whose exchanges are to be recorded. */
  serve(service: string, url: string): void {
    this.#services.set(new URL(url).origin, service);
  }

  /** Address of a proxy that leads to the named servers and wants the password. */
  async startProxy(onRequest: (exchange: ServedExchange) => void): Promise<string> {
    const login = `me:${this.#values.proxy}`;
    const proxy = await startForwardProxy({
      hosts: this.#hosts,
      login,
      onRequest: ({ method = '', url = '', headers }) =>
        onRequest({
          service: 'proxy',
          request: { method, url: new URL(`http://proxy/${encodeURIComponent(url)}`), headers, body: Buffer.alloc(0) },
          answer: undefined,
        }),
    });
    this.closeLater(() => proxy.close());
    return proxy.address(`me:${encodeURIComponent(this.#values.proxy)}`);
  }

  async startRegistry(name: string, options: Partial<RegistryOptions> = {}, { host, tamper, ...front }: Front = {}): Promise<Recorder> {
    const target = await this.place.startRegistry(options);
    const tls = front.tls ?? (host === undefined ? undefined : await this.place.sandbox.authority.issueTls([host]));
    const named = { ...(tls === undefined ? {} : { tls }), ...(host === undefined ? {} : { name: host }) };
    const recorder = await startRecorder({ target: new URL(target.url), onExchange: this.record, tamper, ...named });
    this.serve(`registry ${name}`, host === undefined ? recorder.url.origin : `https://${host}`);
    if (host === undefined) this.names.set(recorder.host, 'registry.example.com');
    this.closeLater(() => recorder.close());
    return recorder;
  }

  /** A registry of that name, reached through the proxy, in place of one before it; one of `azurecr.io` exchanges the identity's token. */
  async startNamedRegistry(
    host: string,
    options: Partial<RegistryOptions> = {},
    { tamper, tls }: Pick<RecorderOptions, 'tamper' | 'tls'> = {},
  ): Promise<string> {
    const isAzure = host.endsWith('.azurecr.io');
    const azure = isAzure ? { auth: { kind: 'acr' as const, verifyEntraToken: (token: string) => this.#verifyEntraToken(token) } } : {};
    const recorder = await this.startRegistry(isAzure ? 'acr' : 'other', { service: host, ...azure, ...options }, { host, tamper, tls });
    this.#hosts[`${host}:443`] = recorder.url;
    return host;
  }

  /** A vault of the sandbox's tenant that is called `example-vault`, in place of one before it; gives that name. */
  async startVault(options: Partial<KeyVaultOptions>, { tamper, tls }: Pick<RecorderOptions, 'tamper' | 'tls'> = {}): Promise<string> {
    const { entra, authority, identity } = this.place.sandbox;
    const grants = { [identity.objectId]: ['secrets/get', 'certificates/get', 'keys/get', 'keys/sign'] as const };
    const secrets = [{ name: 'registry-password', value: this.#values.password }];
    const vault = await startKeyVault({ entra, grants, name: vaultName, secrets, ...options });
    const host = `${vaultName}.vault.azure.net`;
    const recorder = await startRecorder({
      target: new URL(vault.url),
      onExchange: this.record,
      name: host,
      tls: tls ?? (await authority.issueTls([host])),
      tamper,
    });
    this.#hosts[`${host}:443`] = recorder.url;
    this.serve('vault of its own', `https://${host}`);
    this.closeLater(() => recorder.close());
    this.closeLater(() => vault.close());
    return vaultName;
  }

  /** Address of a server that stands before one of the sandbox and answers for it where it wants to; its exchanges count as that one's. */
  async standBefore(service: string, tamper: RecorderOptions['tamper'], stranger?: TlsIdentity): Promise<string> {
    const [target] = Array.from(this.#services).find(([, name]) => name === service) ?? [''];
    const tls = target.startsWith('https:') ? { tls: stranger ?? (await this.place.sandbox.authority.issueTls()) } : {};
    const recorder = await startRecorder({ target: new URL(target), onExchange: this.record, tamper, ...tls });
    this.serve(service, recorder.url.origin);
    this.names.set(recorder.host, this.names.get(new URL(target).host) ?? recorder.host);
    this.closeLater(() => recorder.close());
    return recorder.url.origin;
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()));
    await this.place.close();
  }

  async #verifyEntraToken(token: string) {
    const claims = await this.place.sandbox.entra.verifyToken(token, 'https://containerregistry.azure.net').catch(() => undefined);
    if (claims === undefined) return { ok: false as const, reason: 'the token is not for this registry' };
    return { ok: true as const, name: claims.oid, grants: [{ repository: 'team/*', actions: ['pull', 'push'] as const }] };
  }
}
