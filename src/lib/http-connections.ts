import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
// As a whole: Node 20 has no getCACertificates, and a named import of it would fail.
import * as tls from 'node:tls';
import type { HttpRequest, TlsParty } from './http.ts';
import { lookupPublic } from './http-reach.ts';
import type { ChooseProxy, ProxyServer } from './proxy.ts';
import { TunnelAgent } from './proxy-tunnel.ts';

interface ConnectionOptions {
  readonly ca?: readonly string[];
  readonly maxConnections?: number;
  readonly chooseProxy?: ChooseProxy;
}

/**
 * How a request gets to its target. `direct`: over a connection to it. `tunnel`: over one that a proxy passes on unread; only its agent knows.
 * `forward`: the proxy is given the request itself, as http targets are.
 */
export type Route =
  | { readonly kind: 'direct' | 'tunnel'; readonly agent: HttpAgent }
  | { readonly kind: 'forward'; readonly agent: HttpAgent; readonly proxy: ProxyServer };

/** The connections of one client, kept alive by target, proxy and trust. Nothing is made before it is needed. */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #shared: AgentOptions;
  /** By what sets them apart: whose trust, and which proxy or reach. */
  readonly #agents = new Map<TlsParty | 'http' | 'https', Map<ProxyServer | 'any' | 'public', HttpAgent>>();
  #context: tls.SecureContext | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#shared = {
      keepAlive: true,
      maxSockets: options.maxConnections ?? 16,
      maxFreeSockets: 8,
      timeout: 4_000,
      // Node's 250 ms for each address of a host is too little for a far one.
      autoSelectFamilyAttemptTimeout: 2_500,
    };
  }

  route({ url, socketPath, reach = 'any', tls: party }: Pick<HttpRequest, 'url' | 'socketPath' | 'reach' | 'tls'>): Route {
    const proxy = socketPath === undefined ? this.#options.chooseProxy?.(url) : undefined;
    const isTls = url.protocol === 'https:';
    if (proxy === undefined) return { kind: 'direct', agent: this.#agent(isTls ? (party ?? 'https') : 'http', reach) };
    if (isTls) return { kind: 'tunnel', agent: this.#agent(party ?? 'https', proxy) };
    return { kind: 'forward', proxy, agent: this.#agent(proxy.url.protocol === 'https:' ? 'https' : 'http', 'any') };
  }

  close(): void {
    for (const agents of this.#agents.values()) for (const agent of agents.values()) agent.destroy();
  }

  #agent(trust: TlsParty | 'http' | 'https', by: ProxyServer | 'any' | 'public'): HttpAgent {
    const agents = this.#agents.get(trust) ?? new Map<ProxyServer | 'any' | 'public', HttpAgent>();
    this.#agents.set(trust, agents);
    const agent = agents.get(by) ?? this.#create(trust, by);
    agents.set(by, agent);
    return agent;
  }

  #create(trust: TlsParty | 'http' | 'https', by: ProxyServer | 'any' | 'public'): HttpAgent {
    const reached = { ...this.#shared, ...(by === 'public' ? { lookup: lookupPublic } : {}) };
    if (trust === 'http') return new HttpAgent(reached);
    const secured = { ...reached, minVersion: 'TLSv1.2' as const, ...(trust === 'https' ? this.#trust() : toTlsOptions(trust)) };
    if (by === 'any' || by === 'public') return new HttpsAgent(secured);
    const { autoSelectFamilyAttemptTimeout } = this.#shared as { autoSelectFamilyAttemptTimeout: number };
    return new TunnelAgent(by, secured, { autoSelectFamilyAttemptTimeout, minVersion: 'TLSv1.2', ...this.#trust() } as object);
  }

  /** One context for all connections: parsing Node's whole list for each would cost more than the handshake. */
  #trust(): { readonly secureContext?: tls.SecureContext } {
    const { ca = [] } = this.#options;
    if (ca.length === 0) return {};
    this.#context ??= trustAlso(ca);
    return { secureContext: this.#context };
  }
}

function toTlsOptions({ secureContext, verifiesServer }: TlsParty) {
  return { secureContext, rejectUnauthorized: verifiesServer };
}

function trustAlso(ca: readonly string[]): tls.SecureContext {
  // Node 20 cannot tell what NODE_EXTRA_CA_CERTS added to its list.
  const own = typeof tls.getCACertificates === 'function' ? tls.getCACertificates('default') : tls.rootCertificates;
  return tls.createSecureContext({ ca: [...own, ...ca], minVersion: 'TLSv1.2' });
}
