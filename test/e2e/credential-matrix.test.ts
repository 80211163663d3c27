import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMarkdown, root } from '../docs/markdown.ts';
import { Lanes } from './canary/lanes.ts';
import { type Programs, packPrograms } from './canary/programs.ts';
import { type CanaryWorld, openCanaryWorld } from './canary/world.ts';
import type { Failure } from './credential-matrix/failure.ts';
import { identityFailures } from './credential-matrix/identity-failures.ts';
import { machineFailures } from './credential-matrix/machine-failures.ts';
import { toNeutral } from './credential-matrix/names.ts';
import { registryFailures } from './credential-matrix/registry-failures.ts';
import { vaultFailures } from './credential-matrix/vault-failures.ts';

/** Every failure of identity, vault and registry authorization is told apart, says what to do, and shows no credential. */

const groups = [...identityFailures, ...machineFailures, ...vaultFailures, ...registryFailures];

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** A command, an input, a variable, a permission, an address, or who or what else there is to turn to. */
const places =
  /\baz |\bopenssl |\bdocker\b|[a-z]\.com\b|"[a-z]+ [^"]+"|`[^`]+`|https:\/\/|\b[A-Z]+_[A-Z_]+\b|azure-|registry-|key-vault|signing-key|runner|proxy|program|helper|log in|firewall|status page|Whoever manages|Run again|registry|Project settings|PEM file|connection|the file/;

let programs: Programs;
let worlds: readonly CanaryWorld[];
let lanes: Lanes<CanaryWorld>;
const told = new Map<Failure, Told>();

beforeAll(async () => {
  programs = await packPrograms();
  worlds = await Promise.all([1, 2, 3, 4].map(() => openCanaryWorld(programs.folder)));
  lanes = new Lanes(worlds);
});

afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()));
  await programs.remove();
});

describe.concurrent.each(groups)('$title', ({ failures }) => {
  it.each(failures)('$what: $code', (failure) =>
    lanes.use(async (world) => {
      const { host = 'cli', exitCode = 3, code } = failure;
      const run = await world.run(host, await failure.set(world));
      const output = `${run.observed.stdout}${run.observed.stderr}`;
      const shown = /Error code: ([\w-]+)/.exec(output)?.[1] ?? '';
      const [message = '', ...hint] = (run.errors[0] ?? '').split('\n');
      told.set(failure, { code: shown, message: toNeutral(message, world), hint: toNeutral(hint.join(' '), world) });
      expect({ code: shown, exitCode: run.exitCode }, output).toEqual({ code, exitCode });
      expect(run.leaks).toEqual([]);
    }),
  );
});

describe('the failures', () => {
  it('are each told in words of their own', () => {
    const texts = [...told].map(([{ what }, { code, message, hint }]) => ({ what, text: `${code} ${message} ${hint}` }));
    expect(texts.filter(({ text }, index) => texts.findIndex((other) => other.text === text) !== index)).toEqual([]);
  });

  it('each have a remedy that says where to act', () => {
    const vague = [...told.values()].filter(({ hint }) => !places.test(hint));
    expect(vague).toEqual([]);
  });

  it('stand in docs/troubleshooting.md as they are told', async () => {
    const path = join(root, 'docs/troubleshooting.md');
    const before = readMarkdown('docs/troubleshooting.md').text;
    const text = before.replace(section, (_, head, tail) => `${head}${toTables()}${tail}`);
    if (process.env.UPDATE_MATRIX !== undefined) await writeFile(path, text);
    else expect(await readFile(path, 'utf8')).toBe(text);
  });
});

const section =
  /(<!-- matrix: written by UPDATE_MATRIX=1 npm run e2e -- test\/e2e\/credential-matrix\.test\.ts -->\n)[\s\S]*(<!-- end of the matrix -->)/;

function toTables(): string {
  return groups
    .map(
      ({ title, failures }) =>
        `\n### ${title}\n\n| failure | code | it says | what to do |\n|---|---|---|---|\n${failures.map(toRow).join('')}`,
    )
    .join('')
    .concat('\n');
}

function toRow(failure: Failure): string {
  const { message = '', hint = '' } = told.get(failure) ?? {};
  return `| ${failure.what} | \`${failure.code}\` | ${toCell(message)} | ${toCell(hint)} |\n`;
}

function toCell(text: string): string {
  return text.replace(/[\\|<>*_]/g, '\\$&');
}
