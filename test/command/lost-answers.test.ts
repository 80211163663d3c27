import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/command/exit-code.ts';
import { secure } from '../../src/command/secure.ts';
import { parseSettings } from '../../src/inputs/parse.ts';
import type { HttpClient } from '../../src/lib/http.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { Fault, RunningRegistry } from '../../src/sandbox/registry.ts';
import { fileInputs, openPlace, type Place } from '../main/place.ts';
import { type Published, readPublished } from '../main/published.ts';
import { openWorld, silentHost } from './silent-world.ts';

let place: Place;
let http: HttpClient;
let requests: readonly { readonly method: string; readonly path: string }[];
let digest: string;

beforeAll(async () => {
  place = await openPlace();
  http = createHttp({ userAgent: 'image-custody/test', ca: [await readFile(place.sandbox.caFile, 'utf8')] });
  const good = await run(() => undefined);
  expect(good).toMatchObject({ exitCode: 0, published: { kind: 'tagged', missing: [] } });
  requests = good.registry.requests;
  digest = good.published.kind === 'tagged' ? good.published.digest : '';
});

afterAll(async () => {
  http.close();
  await place.close();
});

describe('whatever request of the publication fails once', () => {
  it.concurrent.each<Fault & { readonly step: number }>([
    { kind: 'reset', step: 1 },
    { kind: 'drop-answer', step: 1 },
    { kind: 'answer', status: 503, step: 1 },
    // To the client one is a lost answer, the other a fault that passes: some of each will do.
    { kind: 'truncate', afterBytes: 1, step: 4 },
    { kind: 'answer', status: 429, headers: { 'retry-after': '0' }, step: 4 },
  ])(
    '$kind $status: the same image is published whole',
    async ({ step, ...fault }) => {
      const indices = requests.flatMap((_, index) => (index % step === 0 ? [index] : []));
      for (let start = 0; start < indices.length; start += 8) {
        await Promise.all(indices.slice(start, start + 8).map((index) => expectWhole(index, fault)));
      }
    },
    240_000,
  );
});

describe('whatever request of the publication fails from then on', () => {
  it.concurrent('a refusal ends the run with 3, no tag, and nothing left open', async () => {
    const refusal: Fault = { kind: 'answer', status: 403, body: '{"errors":[{"code":"DENIED"}]}' };
    const isTag = (index: number): boolean => requests[index]?.path.endsWith('/manifests/1.0') === true;
    const indices = requests.flatMap((_, index) => (index > 0 && !isTag(index) ? [index] : []));
    for (let start = 0; start < indices.length; start += 8) {
      const runs = indices.slice(start, start + 8).map(async (from) => {
        const { exitCode, published, registry } = await run(({ index, method }) =>
          index >= from && method !== 'DELETE' ? refusal : undefined,
        );
        expect({ from, exitCode, published, open: registry.openUploads() }).toEqual({
          from,
          exitCode: 3,
          published: { kind: 'untagged' },
          open: 0,
        });
      });
      await Promise.all(runs);
    }
  }, 60_000);
});

async function expectWhole(index: number, fault: Fault): Promise<void> {
  // Requests are made side by side: the same place is not always the same one.
  let method: string | undefined;
  let path: string | undefined;
  const { exitCode, published, registry } = await run((request) => {
    if (request.index !== index) return undefined;
    method = request.method;
    path = request.target;
    return fault;
  });
  // An upload whose beginning was not heard of is the registry's to forget.
  const unheard = method === 'POST' && (fault.kind === 'drop-answer' || fault.kind === 'truncate') ? 1 : 0;
  expect({ method, path, exitCode, published }).toEqual({ method, path, exitCode: 0, published: { kind: 'tagged', digest, missing: [] } });
  expect(registry.openUploads(), `${method} ${path}`).toBeLessThanOrEqual(unheard);
}

async function run(
  faults: (request: { readonly index: number; readonly method: string; readonly target: string }) => Fault | undefined,
): Promise<{ readonly exitCode: number; readonly published: Published; readonly registry: RunningRegistry }> {
  const registry = await place.startRegistry({ faults });
  const inputs = { ...fileInputs(place, `${registry.host}/team/app:1.0`), image: 'docker-archive:small.tar' };
  const settings = parseSettings(new Map(Object.entries(inputs)), (name) => name);
  const exitCode = await secure(settings, silentHost(place.workspace, await place.newFolder('runner')), openWorld(http)).catch(
    (error: unknown) => {
      if (error instanceof StepError) return exitCodeOf(error);
      throw error;
    },
  );
  return { exitCode, published: readPublished(registry), registry };
}
