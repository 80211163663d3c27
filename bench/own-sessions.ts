import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDirectoryFeeds } from '../src/advisory/snapshot/directory-feed.ts';
import { writeSnapshot } from '../src/advisory/snapshot/snapshot-writer.ts';
import type { Input } from '../src/inputs/input.ts';
import { inputs } from '../src/inputs/table.ts';
import type { SigningChain } from '../src/sandbox/certificate.ts';
import { parseImageSource } from '../src/source/image-source-text.ts';
import { openPolicy } from '../test/e2e/open-policy.ts';
import { shared } from '../test/e2e/peers.ts';
import { changedTitle, copyTitle, promotedTitle } from './copy-sessions.ts';
import type { Command } from './measure.ts';
import type { NodeProgram, Programs } from './programs.ts';
import { firstReference, otherReference, type Place, type Session, type Step } from './session.ts';

const directory = shared('testdata/osv');

/** What all runs of our own program share. */
export interface OwnWork {
  readonly archive: string;
  readonly changedArchive: string;
  readonly programs: Programs;
  readonly nodes: readonly NodeProgram[];
  readonly files: OwnFiles;
}

export interface OwnFiles {
  readonly policy: string;
  /** PEM of the key to sign with, and of its certificates. */
  readonly keyPath: string;
  readonly chainPath: string;
  /** Empty folder in the place of advisories. */
  readonly nothing: string;
  /** Of the directory of advisories. */
  readonly snapshot: string;
}

/** Writes a policy that denies nothing, the key to sign with, and a snapshot of the advisories. */
export async function writeOwnFiles(folder: string, chain: SigningChain): Promise<OwnFiles> {
  const names = ['policy.yml', 'key.pem', 'certificates.pem', 'nothing', 'advisories.snapshot'];
  const [policy, keyPath, chainPath, nothing, snapshot] = names.map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
    string,
  ];
  await mkdir(nothing);
  await writeFile(policy, openPolicy);
  await writeFile(keyPath, chain.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(chainPath, chain.certificates.join(''));
  const origin = { created: new Date(), source: 'directory', isCurrent: false, program: 'bench' };
  await writeSnapshot(snapshot, origin, openDirectoryFeeds(directory, []));
  return { policy, keyPath, chainPath, nothing, snapshot };
}

/** Our push alone, our whole job with each compression and each Node, and what it is with a snapshot and without an inventory. */
export function ownSessions(work: OwnWork): readonly Session[] {
  const [node] = work.nodes;
  if (node === undefined) throw new Error('no Node');
  const others = [
    { key: 'push', steps: [pushStep(work, node)] },
    { key: 'snapshot', steps: snapshotSteps(work, node) },
    { key: 'no-inventory', steps: [withoutInventoryStep(work, node)] },
    { key: 'unsigned', steps: [signingStep(work, node, 'unsigned', 'none')] },
    { key: 'evidence', steps: [signingStep(work, node, 'with signatures and statements of both systems', 'all')] },
  ];
  return [...others, ...compressions().flatMap((compression) => work.nodes.map((node) => wholeSession(work, compression, node)))];
}

/** The whole job on another archive. */
export function largeStep(work: OwnWork, archive: string): Step {
  const [node] = work.nodes;
  if (node === undefined) throw new Error('no Node');
  return {
    title: `whole job, gzip, 10 GB, Node ${node.major}`,
    reference: copyTitle,
    command: (place) => wholeCommand(work, node, { image: `docker-archive:${archive}`, push: firstReference(place), place }),
  };
}

/** The program without inspectors, with nothing to sign, no bill of materials and no advisories. */
function pushStep({ archive, programs, files }: OwnWork, node: NodeProgram): Step {
  return {
    title: `push alone, gzip, Node ${node.major}`,
    reference: copyTitle,
    command: (place) => {
      const what = ['--image', `docker-archive:${archive}`, '--push', firstReference(place)];
      const without = ['--sbom', 'none', '--advisories', files.nothing, '--policy', files.policy, '--report', reportIn(place)];
      return { program: node.path, args: [programs.pushOnly, 'secure', ...what, ...without] };
    },
  };
}

function wholeSession(work: OwnWork, compression: string, node: NodeProgram): Session {
  const isFirst = node === work.nodes[0];
  const title = `whole job, ${compression}, Node ${node.major}`;
  const run = (image: (place: Place) => string, push: (place: Place) => string) => (place: Place) =>
    wholeCommand(work, node, { image: image(place), push: push(place), place, compression });
  const first: Step = { title, reference: copyTitle, command: run(() => `docker-archive:${work.archive}`, firstReference) };
  const second: Step = {
    title: changedTitle(title),
    reference: title,
    command: run(() => `docker-archive:${work.changedArchive}`, firstReference),
  };
  const promotion: Step = {
    title: promotedTitle(title),
    reference: title,
    command: run((place) => `registry:${firstReference(place)}`, otherReference),
  };
  const more = isFirst ? [second, ...(readsRegistries() ? [promotion] : [])] : [];
  return { key: isFirst ? compression : `${compression}-${node.major}`, steps: [first, ...more] };
}

/** The whole job with a snapshot of the same advisories. */
function snapshotSteps(work: OwnWork, node: NodeProgram): readonly Step[] {
  const title = `whole job with a snapshot, gzip, Node ${node.major}`;
  const step = (title: string, reference: string, archive: string): Step => ({
    title,
    reference,
    command: (place) =>
      wholeCommand(work, node, { image: `docker-archive:${archive}`, push: firstReference(place), place, advisories: work.files.snapshot }),
  });
  return [step(title, copyTitle, work.archive), step(changedTitle(title), title, work.changedArchive)];
}

/** What the whole job takes that does not look for packages: the difference is what inventory and matching cost. */
function withoutInventoryStep(work: OwnWork, node: NodeProgram): Step {
  return {
    title: `whole job without inventory and matching, gzip, Node ${node.major}`,
    reference: `whole job, gzip, Node ${node.major}`,
    command: (place) => {
      const job = { image: `docker-archive:${work.archive}`, push: firstReference(place), place, program: work.programs.withoutInventory };
      return wholeCommand(work, node, job);
    },
  };
}

/** What signing adds: the whole job without it, and with everything that there is to sign. */
function signingStep(work: OwnWork, node: NodeProgram, how: string, signs: 'none' | 'all'): Step {
  const reference = `whole job, gzip, Node ${node.major}`;
  return {
    title: `whole job ${how}, gzip, Node ${node.major}`,
    reference,
    command: (place) => wholeCommand(work, node, { image: `docker-archive:${work.archive}`, push: firstReference(place), place, signs }),
  };
}

interface WholeJob {
  readonly image: string;
  readonly push: string;
  readonly place: Place;
  readonly compression?: string;
  readonly advisories?: string;
  readonly program?: string;
  /** By which systems; default `notation`. Statements are signed with it. */
  readonly signs?: 'none' | 'notation' | 'all';
}

function wholeCommand({ programs, files }: OwnWork, node: NodeProgram, job: WholeJob): Command {
  const { image, push, place, compression = 'gzip', advisories = directory, program = programs.whole, signs = 'notation' } = job;
  const what = ['--image', image, '--push', push, '--compression', compression];
  const how = ['--advisories', advisories, '--policy', files.policy, '--report', reportIn(place), ...signingOptions(files, signs)];
  return { program: node.path, args: [program, 'secure', ...what, ...how] };
}

function signingOptions({ keyPath, chainPath }: OwnFiles, signs: 'none' | 'notation' | 'all'): readonly string[] {
  if (signs === 'none') return [];
  const key = ['--signing-key', `file:${keyPath},${chainPath}`];
  if (signs === 'notation') return key;
  return [...key, '--sign', 'notation', '--sign', 'cosign'];
}

function reportIn({ folder }: Place): string {
  return join(folder, 'report.json');
}

/** Of layers that arrive uncompressed, as far as the program has them. */
function compressions(): readonly string[] {
  const accepted: Input | undefined = inputs.find(({ name }) => name === 'compression');
  return ['gzip', 'zstd'].filter((compression) => accepted?.choices?.includes(compression));
}

function readsRegistries(): boolean {
  try {
    parseImageSource('registry:127.0.0.1:5000/bench/image:1');
    return true;
  } catch {
    return false;
  }
}
