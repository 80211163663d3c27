import { readFileSync } from 'node:fs';
import type { Host } from '../host/host.ts';
import type { HttpClient } from '../lib/http.ts';
import { createHttp } from '../lib/http-client.ts';
import { parseNoProxy } from '../lib/no-proxy.ts';
import { type ProxyChoice, type ProxyServer, parseProxy } from '../lib/proxy.ts';
import { StepError } from '../lib/step-error.ts';
import { type AgentProxy, readAgentProxy } from './agent-proxy.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** How this process reaches others. */
export interface Network {
  readonly http: HttpClient;
  readonly proxies: ProxyChoice;
  /** Masks what the variables hold of secrets and tells what is odd. Throws a StepError where a variable cannot be used; nothing is asked before. */
  begin(host: Host): void;
}

/**
 * Reads the variables that say how the network is reached: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY (in lower case they come first, as for
 * curl and Go), in their absence the proxy of the Azure Pipelines agent, and SSL_CERT_FILE. Node itself reads NODE_EXTRA_CA_CERTS.
 */
export function openNetwork(env: Variables, version: string): Network {
  const { proxies, failure } = readProxies(env);
  const { ca, warning } = readAuthorities(env);
  const http = createHttp({ userAgent: `image-custody/${version}`, ca, chooseProxy: proxies.choose });
  return {
    http,
    proxies,
    begin: (host) => {
      for (const secret of proxies.servers.flatMap(({ secrets }) => secrets)) host.mask(secret);
      if (failure !== undefined) throw failure;
      if (warning !== undefined) host.log('warning', warning);
    },
  };
}

const none: ProxyChoice = { servers: [], choose: () => undefined };

function readProxies(env: Variables): { readonly proxies: ProxyChoice; readonly failure?: StepError } {
  try {
    return { proxies: toProxies(env) };
  } catch (failure) {
    if (failure instanceof StepError) return { proxies: none, failure };
    throw failure;
  }
}

function toProxies(env: Variables): ProxyChoice {
  const [https, http] = [find(env, 'https_proxy', 'all_proxy'), find(env, 'http_proxy', 'all_proxy')];
  const agent = https === undefined && http === undefined ? readAgentProxy(env) : undefined;
  const forHttps = agent?.server ?? toServer(https);
  const forHttp = agent?.server ?? (http?.name === https?.name ? forHttps : toServer(http));
  const isDirect = parseNoProxy(find(env, 'no_proxy')?.value ?? '');
  return {
    servers: [...new Set([forHttps, forHttp])].filter((server) => server !== undefined),
    choose: (url) => (isDirect(url) || isBypassed(agent, url) ? undefined : url.protocol === 'https:' ? forHttps : forHttp),
  };
}

function toServer(variable: Variable | undefined): ProxyServer | undefined {
  return variable && parseProxy(variable.name, variable.value);
}

function isBypassed(agent: AgentProxy | undefined, { href }: URL): boolean {
  return agent?.bypass.some((pattern) => pattern.test(href)) ?? false;
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

/** The first that is not empty. */
function find(env: Variables, ...names: readonly string[]): Variable | undefined {
  const variables = names.flatMap((name) => [name, name.toUpperCase()]).map((name) => ({ name, value: env[name]?.trim() ?? '' }));
  return variables.find(({ value }) => value !== '');
}

/**
 * The file of SSL_CERT_FILE, which OpenSSL's and Go's programs take in place of the system's. Node 20 forgets what NODE_EXTRA_CA_CERTS adds
 * where others are added, so that file is then read here, too.
 */
function readAuthorities(env: Variables): { readonly ca: readonly string[]; readonly warning?: string } {
  const { SSL_CERT_FILE: file = '', NODE_EXTRA_CA_CERTS: extra = '' } = env;
  if (file === '' || file === extra) return { ca: [] };
  try {
    return { ca: [readFileSync(file, 'utf8'), ...(extra === '' ? [] : [readExtra(extra)])] };
  } catch (error) {
    const { code } = error as { readonly code?: string };
    return {
      ca: [],
      warning: `SSL_CERT_FILE names ${JSON.stringify(file)}, which cannot be read (${code}): no certificate authority is added.`,
    };
  }
}

/** Node has warned of one that it could not read. */
function readExtra(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
