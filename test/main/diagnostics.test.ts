import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../source/reading.ts';
import { runNode } from './step-run.ts';

const diagnostics = fileURLToPath(new URL('../../src/main/diagnostics.ts', import.meta.url));
const token = 'a-token-that-nobody-is-to-see';

/** A program with a credential in a header, in the key of its agent and in its environment. */
const program = (closes: boolean): string => `
  import { Agent, request } from 'node:https';
  import { closeDiagnostics } from ${JSON.stringify(diagnostics)};
  if (${closes}) console.log(String(closeDiagnostics(process.env)));
  const agent = new Agent({ keepAlive: true, passphrase: process.env.TOKEN });
  const headers = { authorization: 'Bearer ' + process.env.TOKEN };
  request({ host: '127.0.0.1', port: 1, agent, headers }).once('error', () => {
    process.stderr.write('HTTP: the end\\n');
    process.emitWarning('a warning of Node');
    process.kill(process.pid, 'SIGUSR2');
    setTimeout(() => { throw new Error('a crash'); }, 100);
  }).end();`;

async function run(closes: boolean, env: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  const args = ['--input-type=module', '--eval', program(closes)];
  const { stdout, stderr } = await runNode(args, { cwd: folder, env: { TOKEN: token, ...env } });
  const reports = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  return { stdout, stderr, reports };
}

const asking = { NODE_DEBUG: 'http*', NODE_OPTIONS: '--report-on-signal --report-uncaught-exception --report-on-fatalerror' };

describe('what Node shows of a process', () => {
  test('has credentials in it, where nothing is done about it', async () => {
    const { stderr, reports } = await run(false, asking);
    expect(stderr).toContain(token);
    expect(reports.join('')).toContain(token);
  });

  test.each([
    ['NODE_DEBUG', 'http'],
    ['NODE_DEBUG', '*'],
    ['FORCE_COLOR', '1'],
  ])('with %s=%s, is closed, and nothing else is', async (name, value) => {
    const { stdout, stderr, reports } = await run(true, { ...asking, [name]: value });
    expect(stdout).toBe('true\n');
    expect(stderr).not.toContain(token);
    expect(stderr).not.toMatch(/^HTTPS? \S*\d+/m);
    expect(stderr).toContain('HTTP: the end\n');
    expect(stderr).toContain('a warning of Node');
    expect(stderr).toContain('Error: a crash');
    expect(reports).toEqual([]);
  });

  test('is left alone where nobody has asked', async () => {
    expect(await run(true, {})).toMatchObject({ stdout: 'false\n', reports: [] });
  });
});
