import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bundleOptions } from '../../scripts/bundle-options.ts';
import type { FaultPlan, FaultRequest, Fault as RegistryFault, RunningRegistry } from '../../src/sandbox/registry.ts';
import { readRunnerCommands } from '../host/oracle-github-runner.ts';
import type { FaultyStep } from './faulty-step.ts';
import { fileInputs, openPlace, type Place, vaultInputs } from './place.ts';
import { type Published, readPublished } from './published.ts';
import { type NodeOptions, runNode } from './step-run.ts';

let place: Place;
let program: string;
let counts: Counts;
let digest: string;

interface Counts {
  readonly exchange: number;
  readonly file: number;
  readonly signature: number;
}

interface FaultyRun {
  /** Undefined where it did not end. */
  readonly exitCode: number | undefined;
  readonly output: string;
  readonly counts: Counts;
  readonly registry: RunningRegistry;
  readonly published: Published;
  /** What is in the runner's and the system's temporary folder besides the report, and was not there before. */
  readonly leftovers: readonly string[];
}

// Hundreds of runs wait for one another; one that is given up early would go on beside the tests after it.
vi.setConfig({ testTimeout: 300_000 });

beforeAll(async () => {
  place = await openPlace();
  program = await bundle(await place.newFolder('bundle'));
  // The first run makes the comment; those that are counted and compared find it.
  await runFaulty({ kind: 'none', at: 0 });
  const good = await runFaulty({ kind: 'none', at: 0 });
  expect(good.exitCode, good.output).toBe(0);
  expect(good.published).toMatchObject({ kind: 'tagged', missing: [] });
  counts = good.counts;
  digest = good.published.kind === 'tagged' ? good.published.digest : '';
  expect(counts.exchange).toBeGreaterThan(30);
});

afterAll(async () => {
  await place.close();
});

describe('exit code 3 stands until the receipt', () => {
  it.concurrent.each([
    ['stalled-exchange', 'exchange', 1],
    // Begun and not settled is the same to the run but for what the other side has done by then.
    ['unsettled-exchange', 'exchange', 3],
    ['stalled-file', 'file', 1],
    ['stalled-signature', 'signature', 1],
  ] as const)('%s: wherever it is, the run ends with 3 and tags nothing that is not complete', async (kind, what, step) => {
    const runs = await inTurn(counts[what], step, (at) => runFaulty({ kind, at }));
    const wrong = runs.flatMap(({ exitCode, published, output }, index) =>
      exitCode === 3 && isSound(published) ? [] : [{ at: index * step + 1, exitCode, published, output }],
    );
    expect(wrong).toEqual([]);
    // The last settlings come after the tag; without them the loop would have tested nothing of it.
    if (what === 'exchange') expect(new Set(runs.map(({ published }) => published.kind))).toEqual(new Set(['untagged', 'tagged']));
  });

  it.concurrent('also where the vault never answers', async () => {
    const { vault, entra } = place.sandbox;
    for (const [standIn, path] of [
      [entra, /token$/],
      [vault, /^\/secrets\//],
      [vault, /\/sign$/],
    ] as const) {
      standIn.faults.add({ match: ({ url, method }) => path.test(url.pathname) && method !== 'HEAD', drop: true });
      const { exitCode, published } = await runFaulty({ kind: 'none', at: 0 }, { inputs: vaultInputs, timeoutMs: 3000 });
      standIn.faults.clear();
      expect(standIn.requests.filter(({ url }) => path.test(url.pathname))).not.toEqual([]);
      expect(exitCode, String(path)).toBeUndefined();
      expect(published).toEqual({ kind: 'untagged' });
    }
  });
});

describe('a cancelled run', () => {
  it.concurrent('ends with 3 and nothing left behind, or was already done', async () => {
    const runs = await inTurn(counts.exchange, 4, (at) => runFaulty({ kind: 'cancelled', at }));
    const wrong = runs.flatMap(({ exitCode, published, registry, leftovers, output }, index) => {
      const isDone = published.kind === 'tagged' && isSound(published) && exitCode === 0;
      const isGivenUp =
        published.kind === 'untagged' && exitCode === 3 && leftovers.length === 0 && output.includes('The run was cancelled');
      return (isDone || isGivenUp) && registry.openUploads() === 0
        ? []
        : [{ at: 4 * index + 1, exitCode, published, leftovers, open: registry.openUploads(), output }];
    });
    expect(wrong).toEqual([]);
    expect(new Set(runs.map(({ exitCode }) => exitCode))).toEqual(new Set([0, 3]));
  });
});

describe('a run that is cancelled while the other side does not answer', () => {
  const never: FaultyStep = { kind: 'none', at: 0 };
  const limits = { inputs: vaultInputs, timeoutMs: 15_000 };

  it.each([
    ['a HEAD for a blob', 'HEAD', /\/blobs\//],
    ['a piece of a layer', 'PATCH', /\/blobs\/uploads\//],
    ['the commit of a layer', 'PUT', /\/blobs\/uploads\//],
    ['a manifest', 'PUT', /\/manifests\/sha256:/],
  ])('gives up %s, and its uploads', async (_, method, target) => {
    let cancel: () => void = () => undefined;
    const faults = (request: FaultRequest): RegistryFault | undefined => {
      if (request.method !== method || !target.test(request.target)) return undefined;
      cancel();
      // Once: several of them may be under way, and a second signal ends the process at once.
      cancel = () => undefined;
      return { kind: 'delay', delayMs: 20_000 };
    };
    const run = await runFaulty(never, { ...limits, faults, onStart: (child) => (cancel = () => child.kill('SIGTERM')) });
    expectGivenUp(run);
  });

  it.each([
    ['the advisories', 'osv', /querybatch$/],
    ['the token', 'entra', /token$/],
    ['the signature', 'vault', /\/sign$/],
  ] as const)('gives up %s', async (_, standIn, path) => {
    const { faults } = place.sandbox[standIn];
    let cancel: () => void = () => undefined;
    faults.add({
      match: ({ url, method }) => {
        const isIt = method === 'POST' && path.test(url.pathname);
        if (isIt) setTimeout(() => cancel(), 50);
        return isIt;
      },
      drop: true,
    });
    const run = await runFaulty(never, { ...limits, onStart: (child) => (cancel = () => child.kill('SIGTERM')) });
    faults.clear();
    expectGivenUp(run);
  });

  function expectGivenUp({ exitCode, output, published, registry }: FaultyRun): void {
    expect(exitCode, output).toBe(3);
    expect(output).toContain('The run was cancelled');
    expect(published).toEqual({ kind: 'untagged' });
    expect(registry.openUploads()).toBe(0);
  }
});

describe('a defect', () => {
  it.concurrent.each(['uncaught-exception', 'unhandled-rejection'] as const)(
    '%s: one error without stack or secret, and 3',
    async (kind) => {
      const { exitCode, output, published } = await runFaulty({ kind, at: Math.floor(counts.exchange / 2) });
      expect(exitCode).toBe(3);
      expect(published).toEqual({ kind: 'untagged' });
      const errors = readRunnerCommands(output).filter(({ name }) => name === 'error');
      expect(errors.map(({ data }) => data.split('\n')[0])).toEqual([
        expect.stringMatching(/^The step failed in a way that it does not know: (?:Type)?Error at [\w-]+\.js:\d+:\d+$/),
      ]);
      expect(output).not.toMatch(/canary|^\s+at /m);
    },
  );
});

function isSound(published: Published): boolean {
  return published.kind === 'untagged' || (published.missing.length === 0 && (digest === '' || published.digest === digest));
}

/** `act` for 1, 1 + `step` and so on up to `count`. */
function inTurn<T>(count: number, step: number, act: (at: number) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: Math.ceil(count / step) }, (_, index) => act(index * step + 1)));
}

/** Runs that are under way, and what waits for its turn. */
const slots = { free: 4, waiting: [] as (() => void)[] };

async function takeSlot(): Promise<Disposable> {
  if (slots.free === 0) await new Promise<void>((resolve) => slots.waiting.push(resolve));
  else slots.free -= 1;
  return {
    [Symbol.dispose]() {
      const next = slots.waiting.shift();
      if (next === undefined) slots.free += 1;
      else next();
    },
  };
}

interface FaultyOptions extends Pick<NodeOptions, 'timeoutMs' | 'onStart'> {
  readonly inputs?: typeof fileInputs;
  readonly faults?: FaultPlan;
}

async function runFaulty(fault: FaultyStep, { inputs = fileInputs, faults, ...limits }: FaultyOptions = {}): Promise<FaultyRun> {
  using _slot = await takeSlot();
  const { sandbox, workspace } = place;
  const [registry, folder] = await Promise.all([place.startRegistry(faults === undefined ? {} : { faults }), place.newFolder('step')]);
  const given = {
    ...inputs(place, `${registry.host}/team/app:1.0`),
    image: 'docker-archive:small.tar',
    'github-token': sandbox.githubToken,
  };
  const step = await sandbox.prepareGithubStep({ folder, workspace, inputs: given });
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const before = await readdir(step.temporaryFolder);
  const compileCache = join(place.folder, 'compiled');
  const countsFile = join(folder, 'counts.json');
  const env = {
    ...step.env,
    TMPDIR: temporary,
    FAULT: JSON.stringify(fault),
    COUNTS_FILE: countsFile,
    CANARY: 'canary-of-a-defect',
    NODE_COMPILE_CACHE: compileCache,
  };
  const { exitCode, stdout, stderr } = await runNode([program], { env, cwd: workspace, ...limits });
  const after = [...(await readdir(temporary)), ...(await readdir(step.temporaryFolder))];
  return {
    exitCode,
    output: stdout + stderr,
    counts: exitCode === undefined ? { exchange: 0, file: 0, signature: 0 } : (JSON.parse(await readFile(countsFile, 'utf8')) as Counts),
    registry,
    published: readPublished(registry),
    leftovers: after.filter((name) => !before.includes(name) && name !== 'image-custody-report.json'),
  };
}

/** As scripts/build.ts does it, so that nothing but Node's own modules is looked for beside it. */
async function bundle(outdir: string): Promise<string> {
  const entryPoints = [fileURLToPath(new URL('faulty-step.ts', import.meta.url)), ...bundleOptions.entryPoints];
  await build({ ...bundleOptions, entryPoints, absWorkingDir: fileURLToPath(new URL('../..', import.meta.url)), outdir });
  await writeFile(join(outdir, 'package.json'), '{ "type": "module" }');
  return join(outdir, 'faulty-step.js');
}
