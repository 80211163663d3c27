import { describe, expect, it } from 'vitest';
import { createShellHost } from '../../../src/host/shell/shell-host.ts';
import { StepError } from '../../../src/lib/step-error.ts';
import { toTable } from '../../../src/report/table.ts';
import { testHostContract } from '../../contract/host.ts';
import { deniedReport } from '../../report/report-fixture.ts';

function setUp(options: { env?: Record<string, string>; terminal?: boolean } = {}) {
  const written = { stdout: '', stderr: '', all: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY: options.terminal ?? false,
    columns: 80,
    write(text: string) {
      written[name] += text;
      written.all += text;
    },
  });
  const host = createShellHost({ env: options.env ?? {}, stdout: stream('stdout'), stderr: stream('stderr'), workspace: '/work' });
  return { host, written };
}

testHostContract('a shell', {
  setUp: async () => {
    const { host, written } = setUp();
    return {
      host,
      output: () => written.all,
      commands: () => [],
      findActing: (text) =>
        text.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g) ?? [],
      close: async () => {},
    };
  },
  annotation: { error: undefined, warning: undefined, notice: undefined },
  warning: undefined,
  failure: [],
  mask: undefined,
});

const step = { step: 'reading layers', done: 3, total: 11, bytes: 46_600_000, elapsedMs: 1000, finished: false };

describe('standard output', () => {
  it('has the table and nothing but it', async () => {
    const { host, written } = setUp();
    host.log('info', 'x');
    host.progress({ ...step, finished: true });
    host.output('digest', 'sha256:x');
    await host.summarise('table');
    expect(written.stdout).toBe('table\n');
  });

  it('keeps the colours of the table and no other control character', async () => {
    const { host, written } = setUp({ terminal: true });
    const { summaryFormat } = host;
    expect(summaryFormat).toEqual({ kind: 'table', colour: true, columns: 80 });
    await host.summarise(toTable(deniedReport(), { colour: true, columns: 80 }));
    expect(written.stdout).toContain('\u001b[1;31mDENIED\u001b[0m');
    await host.summarise('\u001b]0;title\u0007\u001b[2J\r\u202e');
    expect(written.stdout).toContain('\\u{1b}]0;title\\u{7}\\u{1b}[2J\\r\\u{202e}\n');
  });
});

describe('colours', () => {
  it.each([
    [{}, false, false],
    [{}, true, true],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    [{ TERM: 'dumb' }, true, false],
  ])('with %j on a terminal (%j): %j', (env, terminal, colour) => {
    const { host, written } = setUp({ env: env as Record<string, string>, terminal });
    host.log('warning', 'x');
    expect(host.summaryFormat).toMatchObject({ colour });
    expect(written.stderr.includes('\u001b[33m')).toBe(colour);
  });
});

describe('progress', () => {
  it('is redrawn on a terminal, at most ten times a second, and ends in one line', () => {
    const { host, written } = setUp({ terminal: true });
    host.progress(step);
    host.progress({ ...step, elapsedMs: 1050 });
    host.progress({ ...step, elapsedMs: 1200, done: 4 });
    host.log('info', 'in between');
    host.progress({ ...step, elapsedMs: 2000, done: 11, finished: true });
    expect(written.stderr).toBe(
      '\r\u001b[2Kreading layers: 3 of 11, 46.6 MB in 1.0 s (46.6 MB/s)' +
        '\r\u001b[2Kreading layers: 4 of 11, 46.6 MB in 1.2 s (38.8 MB/s)' +
        '\r\u001b[2Kin between\nreading layers: 11 of 11, 46.6 MB in 2.0 s (23.3 MB/s)\n',
    );
  });

  it.each([{ CI: 'true' }, { TERM: 'dumb' }])('is one quiet line with %j', (env) => {
    const { host, written } = setUp({ env: env as Record<string, string>, terminal: true });
    host.progress(step);
    host.progress({ ...step, finished: true });
    expect(written.stderr).toBe('reading layers: 3 of 11, 46.6 MB in 1.0 s (46.6 MB/s)\n');
  });
});

it('shows an error with its hint', () => {
  const { host, written } = setUp();
  host.fail(new StepError({ code: 'x', origin: 'input', message: 'Cannot read', hint: 'Do this.' }));
  expect(written.stderr).toBe('error: Cannot read\n       Do this.\n');
});
