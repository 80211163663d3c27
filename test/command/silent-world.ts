import { setImmediate as turn } from 'node:timers/promises';
import type { Environment, World } from '../../src/command/world.ts';
import type { Host } from '../../src/host/host.ts';
import type { HttpClient } from '../../src/lib/http.ts';

/** That of a process in which nothing is set. */
export const emptyEnvironment: Environment = {
  docker: {},
  loginFiles: [],
  azureTenantId: undefined,
  azureClientId: undefined,
  azureClientSecret: undefined,
  azureAuthorityHost: undefined,
  azureClientCertificate: undefined,
  federatedTokenFile: undefined,
  // Nobody listens there.
  instanceMetadata: 'http://127.0.0.1:1',
  endpointSecrets: [],
  openServiceConnection: undefined,
  fetchIdentityToken: undefined,
  findBuildRun: async () => undefined,
  giveHostToken: () => undefined,
  standardInput: undefined,
  hostUrl: undefined,
  hostChecks: [],
  cacheFolder: '/nonexistent/cache',
};

/**
 * What a run takes from its process, with nothing in its environment and a clock of its own: a wait is over at once, and by the clock it has
 * lasted as long as it was to. `random` 0 makes each wait between two tries the shortest.
 */
export function openWorld(http: HttpClient, cancelled: AbortSignal = new AbortController().signal): World {
  let waitedMs = 0;
  return {
    http,
    now: () => new Date(Date.now() + waitedMs),
    elapsedMs: () => performance.now() + waitedMs,
    sleep: async (ms) => {
      waitedMs += ms;
      await turn(undefined, { signal: cancelled });
    },
    random: () => 0,
    proxies: { servers: [], choose: () => undefined },
    nodeVersion: process.versions.node,
    environment: emptyEnvironment,
    runProgram: async () => ({ kind: 'absent' }),
    version: '0.0.0',
    cancelled,
  };
}

/** A host that shows nothing to anybody. */
export function silentHost(workspace: string, temporaryFolder: string): Host {
  return {
    kind: 'github',
    workspace,
    temporaryFolder,
    summaryFormat: { kind: 'markdown', maxBytes: 65_536, commentMaxCharacters: 65_536 },
    mask() {},
    log() {},
    progress() {},
    async annotate() {},
    async summarise() {},
    async comment() {},
    secretOutputs: 'any',
    output() {},
    fail() {},
  };
}
