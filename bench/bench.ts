/**
 * Our whole job beside the programs that people use today, on one archive and one kind of registry; see README.md beside this file.
 *   npm run bench -- [--rows KEY,KEY...] [--large] [ARCHIVE] [RUNS]
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createSigningChain } from '../src/sandbox/certificate.ts';
import { peer } from '../test/e2e/peers.ts';
import { expectProgram } from '../test/e2e/step.ts';
import { matchCommand, prepareAdvisories } from './advisory-rows.ts';
import { chainSession, writeChainFiles } from './chain-session.ts';
import { changeArchive } from './changed-archive.ts';
import { craneSession, dockerSession, skopeoSession } from './copy-sessions.ts';
import { type DockerDaemon, startDocker } from './docker-daemon.ts';
import { makeLargeArchive } from './large-archive.ts';
import { type Measurement, measure } from './measure.ts';
import { largeStep, type OwnWork, ownSessions, writeOwnFiles } from './own-sessions.ts';
import { buildPrograms, findNodes } from './programs.ts';
import { measureSession, type Row, rotate, runSessions, type Session } from './session.ts';
import { takeShopArchive } from './shop-archive.ts';
import { megabytes, toTable } from './table.ts';

const coldStarts = 15;

interface Options {
  readonly archive: string | undefined;
  readonly runs: number;
  readonly large: boolean;
  /** Absent: all. */
  readonly rows: readonly string[] | undefined;
}

const options = readOptions();
const folder = await mkdtemp(join(tmpdir(), 'bench-'));
let docker: DockerDaemon | undefined;
try {
  const work = await prepareWork(options.archive ?? (await takeShopArchive(tell)));
  const rows = await benchPublishing(await prepareSessions(work));
  if (options.large) rows.push(await benchLarge(work));
  if (isWanted('start')) rows.push(...(await benchStarting(work)));
  if (isWanted('advisories')) rows.push(...(await benchAdvisories(work)));
  console.log(await describeRun(work));
  console.log(toTable(rows));
} finally {
  await docker?.stop();
  await rm(folder, { recursive: true, force: true });
}

async function prepareWork(archive: string): Promise<OwnWork> {
  tell(`bundling, and changing a line of ${archive}`);
  const chain = await createSigningChain({ name: 'bench', keyType: 'P-256' });
  return {
    archive,
    changedArchive: await changeArchive(archive, folder),
    programs: await buildPrograms(folder),
    nodes: await findNodes(),
    files: await writeOwnFiles(folder, chain),
  };
}

/** Those that are wanted. What the others need is not started. */
async function prepareSessions(work: OwnWork): Promise<readonly Session[]> {
  const { archive, changedArchive, files } = work;
  const sessions = [...ownSessions(work), skopeoSession(archive, changedArchive), craneSession(archive, changedArchive)];
  if (isWanted('docker')) {
    tell('starting a Docker daemon with both images');
    docker = await startDocker(join(folder, 'docker'));
    sessions.push(await dockerSession(docker, archive, changedArchive));
  }
  if (isWanted('chain')) sessions.push(chainSession(archive, await writeChainFiles(folder, files)));
  const keys = [...sessions.map(({ key }) => key), 'docker', 'chain', 'start', 'advisories', 'large'];
  const unknown = options.rows?.find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new Error(`there are no rows ${unknown}, only ${[...new Set(keys)].join(', ')}`);
  return sessions.filter(({ key }) => isWanted(key));
}

async function benchPublishing(sessions: readonly Session[]): Promise<Row[]> {
  return sessions.length === 0 ? [] : [...(await runSessions(sessions, options.runs, tell))];
}

/** Once: what counts is the peak. */
async function benchLarge(work: OwnWork): Promise<Row> {
  tell('making an image of 10 GB');
  const archive = await makeLargeArchive(folder);
  tell('the whole job on it');
  const { title, command } = largeStep(work, archive);
  const [measurement] = await measureSession({ key: 'large', steps: [{ title, reference: title, command }] });
  await rm(archive);
  return { title, reference: title, measurements: measurement === undefined ? [] : [measurement], sentBytes: undefined };
}

async function benchStarting({ nodes, programs }: OwnWork): Promise<readonly Row[]> {
  const rows = nodes.flatMap(({ path, major }) => {
    const reference = `node -e 0, Node ${major}`;
    return [
      {
        title: `image-custody --help, Node ${major}`,
        reference,
        args: [programs.whole, '--help'],
        path,
        measurements: [] as Measurement[],
      },
      { title: reference, reference, args: ['-e', '0'], path, measurements: [] as Measurement[] },
    ];
  });
  tell(`starting, ${coldStarts} times`);
  // The first fills the file cache and does not count.
  for (let round = 0; round <= coldStarts; round++) {
    for (const { path, args, measurements } of rotate(rows, round)) {
      const measurement = await measure({ program: path, args });
      if (round > 0) measurements.push(measurement);
    }
  }
  return rows.map(({ title, reference, measurements }) => ({ title, reference, measurements, sentBytes: undefined }));
}

/** A snapshot beside the directory that it was made of. */
async function benchAdvisories({ nodes }: OwnWork): Promise<readonly Row[]> {
  tell('making a snapshot of the advisories');
  const advisories = await prepareAdvisories(folder);
  const rows = nodes.flatMap(({ path, major }) => {
    const reference = `1,000 packages matched by the directory, Node ${major}`;
    const title = `the same by the snapshot (${megabytes(advisories.snapshotBytes)} MB instead of ${megabytes(advisories.zippedBytes)}), Node ${major}`;
    return [
      { title: reference, reference, command: matchCommand(advisories, 'directory', path), measurements: [] as Measurement[] },
      { title, reference, command: matchCommand(advisories, 'snapshot', path), measurements: [] as Measurement[] },
    ];
  });
  for (let round = 0; round <= options.runs; round++) {
    for (const { command, measurements } of rotate(rows, round)) {
      const measurement = await measure(command);
      if (round > 0) measurements.push(measurement);
    }
  }
  return rows.map(({ title, reference, measurements }) => ({ title, reference, measurements, sentBytes: undefined }));
}

async function describeRun({ archive, nodes }: OwnWork): Promise<string> {
  const { size } = await stat(archive);
  const versions = [
    ...nodes.map(({ version }) => `Node ${version}`),
    ...(isWanted('skopeo') || isWanted('chain') ? [await expectProgram('skopeo', ['--version'])] : []),
    ...(isWanted('crane') ? [`crane ${await expectProgram(peer('crane'), ['version'])}`] : []),
    ...(isWanted('docker') ? [await expectProgram('docker', ['--version'])] : []),
  ];
  const load = loadavg()[1]?.toFixed(1);
  const machine = `${availableParallelism()} processors, load ${load} in the last five minutes`;
  return `Archive of ${megabytes(size)} MB, ${options.runs} rounds; ${versions.map((version) => version.trim()).join('; ')}; ${machine}.\n`;
}

function isWanted(key: string): boolean {
  return options.rows?.includes(key) ?? key !== 'large';
}

/** How far it is, beside the table. */
function tell(line: string): void {
  console.error(line);
}

function readOptions(): Options {
  const usage =
    'usage: npm run bench -- [--rows KEY,KEY...] [--large] [ARCHIVE] [RUNS]; ARCHIVE is what docker save wrote, by default the shop image';
  try {
    const { values, positionals } = parseArgs({
      options: { rows: { type: 'string' }, large: { type: 'boolean' } },
      allowPositionals: true,
    });
    // A number alone is that of the runs.
    const [runsText = '5', archive, ...others] = /^\d+$/.test(positionals[0] ?? '')
      ? positionals
      : [positionals[1], positionals[0], ...positionals.slice(2)];
    const runs = Number(runsText);
    if (!Number.isInteger(runs) || runs < 1 || others.length > 0) throw new Error('RUNS is a whole number');
    const rows = values.rows?.split(',');
    return { archive, runs, large: values.large ?? rows?.includes('large') ?? false, rows };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}
