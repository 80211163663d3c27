/**
 * Our whole job beside programs that only copy, on one archive and one kind of registry; see README.md beside this file.
 *   npm run bench -- [ARCHIVE] [RUNS]
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSigningChain } from '../src/sandbox/certificate.ts';
import { startRegistry } from '../test/e2e/loopback-registry.ts';
import { openPolicy } from '../test/e2e/open-policy.ts';
import { peer, shared } from '../test/e2e/peers.ts';
import { expectProgram } from '../test/e2e/step.ts';
import { startCountingProxy } from './counting-proxy.ts';
import { type Command, type Measurement, measure, median } from './measure.ts';

interface Contender {
  readonly name: string;
  /** Publishes to the registry at `host`, in the files of `folder`. */
  command(host: string): Command;
}

interface Row {
  readonly name: string;
  readonly measurements: readonly Measurement[];
  readonly sentBytes?: number;
}

const node = process.env.IMAGE_CUSTODY_NODE ?? process.execPath;
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const coldStarts = 15;

const [archive = process.env.SHOP_ARCHIVE, runsText = '5'] = process.argv.slice(2);
const runs = Number(runsText);
if (archive === undefined || !Number.isInteger(runs) || runs < 1) {
  console.error('usage: npm run bench -- ARCHIVE [RUNS]; ARCHIVE is what docker save wrote, by default that of SHOP_ARCHIVE');
  process.exit(2);
}

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
try {
  const publishing = await benchPublishing(await prepareContenders(archive, folder));
  const starting = await benchStarting();
  console.log(await describeRun(archive));
  console.log(toTable([publishing, starting]));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function prepareContenders(image: string, place: string): Promise<readonly Contender[]> {
  const chain = await createSigningChain({ name: 'bench', keyType: 'P-256' });
  const [policy, key, certificates, report] = ['policy.yml', 'key.pem', 'certificates.pem', 'report.json'].map((name) => join(place, name));
  await writeFile(policy ?? '', openPolicy);
  await writeFile(key ?? '', chain.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  await writeFile(certificates ?? '', chain.certificates.join(''));
  const files = [
    '--advisories',
    shared('testdata/osv'),
    '--policy',
    policy,
    '--signing-key',
    `file:${key},${certificates}`,
    '--report',
    report,
  ];
  const secure = (host: string) => [
    'secure',
    '--image',
    `docker-archive:${image}`,
    '--push',
    `${host}/bench/image:1`,
    ...(files as string[]),
  ];
  const copy = ['copy', '--quiet', '--insecure-policy', '--dest-tls-verify=false', `docker-archive:${image}`];
  return [
    { name: 'image-custody secure', command: (host) => ({ program: node, args: [cli, ...secure(host)] }) },
    { name: 'skopeo copy', command: (host) => ({ program: 'skopeo', args: [...copy, `docker://${host}/bench/image:1`] }) },
    { name: 'crane push', command: (host) => ({ program: peer('crane'), args: ['push', image, `${host}/bench/image:1`] }) },
  ];
}

/** One run of each through a proxy that counts, which also warms the caches; then rounds in which each runs once, in changing order. */
async function benchPublishing(contenders: readonly Contender[]): Promise<readonly Row[]> {
  const sent = new Map<Contender, number>();
  for (const contender of contenders) sent.set(contender, await countBytes(contender));
  const results = new Map(contenders.map((contender) => [contender, [] as Measurement[]]));
  for (let round = 0; round < runs; round++) {
    for (const contender of rotate(contenders, round)) {
      const registry = await startRegistry();
      results.get(contender)?.push(await measure(contender.command(registry.host)).finally(() => registry.stop()));
    }
  }
  return contenders.map((contender) => ({
    name: contender.name,
    measurements: results.get(contender) ?? [],
    sentBytes: sent.get(contender) ?? NaN,
  }));
}

async function countBytes(contender: Contender): Promise<number> {
  const registry = await startRegistry();
  const proxy = await startCountingProxy(registry.host);
  try {
    await measure(contender.command(proxy.host));
    return proxy.sentBytes();
  } finally {
    await proxy.close();
    await registry.stop();
  }
}

async function benchStarting(): Promise<readonly Row[]> {
  const commands = [
    { name: 'image-custody --help', program: node, args: [cli, '--help'] },
    { name: 'node -e 0', program: node, args: ['-e', '0'] },
  ];
  const results = commands.map(() => [] as Measurement[]);
  for (let round = 0; round <= coldStarts; round++) {
    for (const [index, command] of rotate([...commands.entries()], round)) {
      const measurement = await measure(command);
      if (round > 0) results[index]?.push(measurement);
    }
  }
  return commands.map(({ name }, index) => ({ name, measurements: results[index] ?? [] }));
}

function rotate<T>(items: readonly T[], by: number): readonly T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/** The ratio is the median over rounds of a row's time to that of its group's second row. */
function toTable(groups: readonly (readonly Row[])[]): string {
  const lines = groups.flatMap((rows) => {
    const reference = rows[1];
    return rows.map(({ name, measurements, sentBytes }) => {
      const walls = measurements.map(({ wallMs }) => wallMs);
      const ratio = median(walls.map((wallMs, round) => wallMs / (reference?.measurements[round]?.wallMs ?? NaN)));
      const spread = `${seconds(median(walls))} (${seconds(Math.min(...walls))} to ${seconds(Math.max(...walls))})`;
      const cpu = seconds(median(measurements.map(({ cpuMs }) => cpuMs)));
      const peak = megabytes(median(measurements.map(({ peakBytes }) => peakBytes)));
      return `| ${name} | ${spread} | ${ratio.toFixed(2)} × ${reference?.name} | ${cpu} | ${peak} | ${sentBytes === undefined ? '' : megabytes(sentBytes)} |`;
    });
  });
  return ['| | wall time, s | ratio | CPU time, s | peak memory, MB | sent, MB |', '|---|--:|--:|--:|--:|--:|', ...lines].join('\n');
}

async function describeRun(image: string): Promise<string> {
  const { size } = await stat(image);
  const version = (await expectProgram(node, ['--version'])).trim();
  const skopeo = (await expectProgram('skopeo', ['--version'])).trim();
  const crane = (await expectProgram(peer('crane'), ['version'])).trim();
  const load = loadavg()[1]?.toFixed(1);
  const machine = `${availableParallelism()} processors, load ${load} in the last five minutes`;
  return `Archive of ${megabytes(size)} MB, ${runs} rounds; Node ${version}, ${skopeo}, crane ${crane}; ${machine}.\n`;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2);
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
