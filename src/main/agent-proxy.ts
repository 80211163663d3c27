import { type ProxyServer, parseProxy } from '../lib/proxy.ts';

/** The proxy that an Azure Pipelines agent was configured with, and the hosts that it asks directly. */
export interface AgentProxy {
  readonly server: ProxyServer;
  /** Held against the whole URL. */
  readonly bypass: readonly RegExp[];
}

/**
 * Reads the agent's variables as getHttpProxyConfiguration of azure-pipelines-task-lib does: `Agent.ProxyUrl`, `Agent.ProxyUsername`, the secret
 * `Agent.ProxyPassword`, and `Agent.ProxyBypassList`, a JSON list of regular expressions of which one that is none matches nothing.
 * https://github.com/microsoft/azure-pipelines-task-lib/blob/master/node/docs/proxy.md
 */
export function readAgentProxy(env: Readonly<Record<string, string | undefined>>): AgentProxy | undefined {
  const { AGENT_PROXYURL: url = '', AGENT_PROXYUSERNAME: user = '' } = env;
  if (url.trim() === '') return undefined;
  const password = env.SECRET_AGENT_PROXYPASSWORD ?? env.AGENT_PROXYPASSWORD ?? '';
  const credential = user === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  const address = url.trim().replace(/^([a-z]+:\/\/)?(?:[^/]*@)?/i, (_, scheme = 'http://') => `${scheme}${credential}`);
  return {
    server: parseProxy('Agent.ProxyUrl', credential === '' ? url : address),
    bypass: readPatterns(env.AGENT_PROXYBYPASSLIST ?? '').flatMap(toPattern),
  };
}

function readPatterns(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string' && item !== '') : [];
  } catch {
    return [];
  }
}

function toPattern(text: string): readonly RegExp[] {
  try {
    return [new RegExp(text, 'i')];
  } catch {
    return [];
  }
}
