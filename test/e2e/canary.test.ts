import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostKinds } from '../main/step-run.ts';
import { echoes } from './canary/echo.ts';
import { encodingNames, toForms } from './canary/encodings.ts';
import { Lanes } from './canary/lanes.ts';
import { type Programs, packPrograms } from './canary/programs.ts';
import { castOf, doctorPlays, echoPlays, fromFiles, fromVault, goodPlays, type Play } from './canary/scenes.ts';
import { CanarySearch } from './canary/search.ts';
import { type CanaryWorld, openCanaryWorld } from './canary/world.ts';

/** No credential leaves the packaged programs but to the server that it is for: not in an output, a file, a child, nor a request to another. */

let programs: Programs;
let worlds: readonly CanaryWorld[];
let lanes: Lanes<CanaryWorld>;

beforeAll(async () => {
  programs = await packPrograms();
  worlds = await Promise.all([1, 2, 3].map(() => openCanaryWorld(programs.folder)));
  lanes = new Lanes(worlds);
});

afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()));
  await programs.remove();
});

function stage(plays: readonly Play[]) {
  return plays.flatMap((play) => castOf(play).map((host) => ({ host, what: play.what, play })));
}

describe.concurrent('the search', () => {
  const program = fileURLToPath(new URL('canary/leaky-program.ts', import.meta.url));

  it.each([
    ['stdout', 'raw', 'in stdout'],
    ['stderr', 'hex', 'in stderr'],
    ['a mask with something before it', 'raw', 'in stdout'],
    ['lines of three', 'raw', 'in stdout'],
    ['a part of it', 'raw', 'in stdout'],
    ['an output', 'base64 at 0', '/output'],
    ['a file', 'raw', '/kept.gz'],
    ['a file that is taken away', 'UTF-16', '/short/lived'],
    ['the environment of a program', 'raw', 'in a started program'],
    ['the arguments of a program', 'reversed', 'in a started program'],
    ['a path', 'raw', 'in URL of POST'],
    ['a header', 'base64 at 0', 'in x-token of POST'],
    ['a packed body', 'raw', 'in body of POST'],
    ['two bodies', 'raw', 'in all bodies to elsewhere'],
    ['a report of Node', 'raw', '/report.json'],
  ])('finds what leaves by %s', (leak, encoding, place) =>
    lanes.use(async (world) => {
      const env = { AZURE_CLIENT_SECRET: world.place.sandbox.identity.clientSecret, ELSEWHERE: world.elsewhere.url.href, LEAK: leak };
      const { leaks } = await world.run('github', { inputs: {}, env }, { program });
      const found = leaks.filter((text) => text.includes('client secret') && text.includes(place));
      expect(found.join('\n'), leaks.join('\n')).toContain(`(${encoding},`);
    }),
  );

  it('finds a connection to anybody else', () =>
    lanes.use(async (world) => {
      const env = { ELSEWHERE: world.elsewhere.url.href, LEAK: 'another address' };
      const { leaks } = await world.run('github', { inputs: {}, env }, { program });
      expect(leaks).toEqual(['a connection to 192.0.2.1']);
    }));

  it('finds nothing where nothing leaves', () =>
    lanes.use(async (world) => {
      const env = { AZURE_CLIENT_SECRET: world.place.sandbox.identity.clientSecret, ELSEWHERE: world.elsewhere.url.href, LEAK: 'none' };
      const { exitCode, leaks } = await world.run('github', { inputs: {}, env }, { program });
      expect({ exitCode, leaks }).toEqual({ exitCode: 0, leaks: [] });
    }));

  it('finds each encoding of each credential, and each half of it', () => {
    const [world] = worlds;
    const planted = world?.planted ?? [];
    const search = new CanarySearch(planted);
    const seen = new Set<string>();
    for (const { name, value } of planted) {
      for (const { encoding, bytes } of toForms(value)) {
        seen.add(encoding);
        for (const part of [bytes, bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)]) {
          const found = search.find(Buffer.concat([Buffer.from('before '), part, Buffer.from(' after')]));
          expect(
            found.map(({ canary }) => canary),
            `${name}, ${encoding}`,
          ).toContain(name);
        }
      }
    }
    expect(encodingNames.filter((encoding) => !seen.has(encoding))).toEqual([]);
  });
});

describe.concurrent('every command', () => {
  it.each(stage(goodPlays))('$host: $what', ({ host, play }) =>
    lanes.use(async (world) => {
      const { exitCode, errors, leaks } = await world.run(host, await play.set(world));
      expect(exitCode, errors.join('\n')).toBe(play.exitCode);
      expect(leaks).toEqual([]);
    }),
  );
});

/** One host for each; all of them for all together. */
it('the command line of a process does not show its arguments', () =>
  lanes.use(async (world) => {
    const seen = new Set<string>();
    const { exitCode } = await world.run('cli', fromFiles(world), {
      onExchange: (_, pid) => void seen.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', '')),
    });
    expect({ exitCode, seen: [...seen] }).toEqual({ exitCode: 0, seen: ['image-custody'] });
  }));

describe.concurrent.each(echoes.map((form, index) => ({ form, index })))(
  'servers that give back what they were sent, in $form',
  ({ form, index }) => {
    // What doctor quotes has gone through the same hands: a third of the forms is enough for it.
    const plays = index % 3 === 0 ? [...echoPlays(form), ...doctorPlays(form)] : echoPlays(form);
    const cast = plays.map((play, at) => ({
      what: play.what,
      play,
      host: castOf(play)[(index + at) % castOf(play).length] ?? 'cli',
    }));
    it.each(cast)('$host: $what', ({ host, play }) =>
      lanes.use(async (world) => {
        const { exitCode, errors, leaks } = await world.run(host, await play.set(world));
        expect(exitCode, errors.join('\n')).toBe(play.exitCode);
        expect(leaks).toEqual([]);
      }),
    );
  },
);

/** What an environment asks of Node, of the libraries and of the hosts, to be told more. */
const curiosity = {
  NODE_DEBUG: '*',
  NODE_DEBUG_NATIVE: 'HTTP2STREAM,HTTP2SESSION,INSPECTOR_SERVER,TLS,QUIC,DIAGNOSTICS',
  NODE_PENDING_DEPRECATION: '1',
  AZURE_LOG_LEVEL: 'verbose',
  AZURE_HTTP_LOG_LEVEL: 'verbose',
  AZURE_CORE_OUTPUT: 'json',
  MSAL_LOG_LEVEL: 'verbose',
  DEBUG: '*',
  LOG_LEVEL: 'trace',
  RUNNER_DEBUG: '1',
  ACTIONS_STEP_DEBUG: 'true',
  ACTIONS_RUNNER_DEBUG: 'true',
  SYSTEM_DEBUG: 'true',
} as const;

/** Each Node that there is: the one that runs the tests, and that of the machine. */
const nodes = [...new Set([process.execPath, process.env.IMAGE_CUSTODY_NODE ?? process.execPath])];

describe.concurrent.each(nodes.map((node) => ({ node, version: versionOf(node) })))(
  'with all that can be asked for, on Node $version',
  ({ node }) => {
    const cast = stage([...goodPlays.slice(0, 4), ...echoPlays('raw').slice(0, 6)]).filter((_, index) => index % 2 === 0);
    it.each(cast)('$host: $what', ({ host, play }) =>
      lanes.use(async (world) => {
        const scene = await play.set(world);
        const { exitCode, errors, leaks } = await world.run(host, { ...scene, env: { ...scene.env, ...curiosity } }, { node });
        expect(exitCode, errors.join('\n')).toBe(play.exitCode);
        expect(leaks).toEqual([]);
      }),
    );

    it.each(hostKinds)('%s: reports, traces and signals', (host) =>
      lanes.use(async (world) => {
        const scene = fromVault(world);
        const env = {
          NODE_OPTIONS: [
            '--report-on-signal --report-on-fatalerror --report-uncaught-exception --report-signal=SIGUSR2',
            '--trace-warnings --trace-uncaught --trace-exit --trace-sigint --unhandled-rejections=strict',
            `--trace-event-categories=node,node.http,node.net,node.fs,node.fs.async,node.environment,node.bootstrap,node.threadpoolwork,v8`,
            '--trace-event-file-pattern=trace-${pid}-${rotation}.json',
          ].join(' '),
        };
        let signals = 0;
        const { exitCode, leaks, observed } = await world.run(
          host,
          { ...scene, env },
          {
            node,
            onExchange: ({ service }, pid) => {
              // In the middle of it, with everything in its memory.
              if (!service.startsWith('registry') || signals > 3) return;
              signals += 1;
              process.kill(pid, 'SIGUSR2');
            },
          },
        );
        expect({ exitCode, signals }).toEqual({ exitCode: 0, signals: 4 });
        expect([...observed.files.keys()].filter((path) => /report\..*\.json$/.test(path))).toEqual([]);
        expect(leaks).toEqual([]);
      }),
    );

    it.each(hostKinds)('%s: a crash', (host) =>
      lanes.use(async (world) => {
        const scene = fromVault(world);
        const env = { NODE_OPTIONS: '--report-on-fatalerror --report-uncaught-exception --abort-on-uncaught-exception' };
        const { exitCode, leaks } = await world.run(
          host,
          { ...scene, env },
          {
            node,
            onExchange: ({ service, request }, pid) => {
              if (service.startsWith('registry') && /uploads/.test(request.url.pathname)) process.kill(pid, 'SIGABRT');
            },
          },
        );
        expect(exitCode).not.toBe(0);
        expect(leaks).toEqual([]);
      }),
    );
  },
);

function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
}
