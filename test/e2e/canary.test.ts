import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoes } from './canary/echo.ts';
import { Lanes } from './canary/lanes.ts';
import { type Programs, packPrograms } from './canary/programs.ts';
import { castOf, echoPlays, goodPlays, type Play } from './canary/scenes.ts';
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
describe.concurrent.each(echoes.map((form, index) => ({ form, index })))(
  'servers that give back what they were sent, in $form',
  ({ form, index }) => {
    const cast = echoPlays(form).map((play, at) => ({
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
