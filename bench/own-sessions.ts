import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Input, inputs } from '../src/inputs/table.ts';
import type { SigningChain } from '../src/sandbox/certificate.ts';
import { parseImageSource } from '../src/source/image-source-text.ts';
import { openPolicy } from '../test/e2e/open-policy.ts';
import { shared } from '../test/e2e/peers.ts';
import { changedTitle, copyTitle, promotedTitle } from './copy-sessions.ts';
import type { Command } from './measure.ts';
import type { NodeProgram, Programs } from './programs.ts';
import { firstReference, otherReference, type Place, type Session, type Step } from './session.ts';

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
}

/** Writes a policy that denies nothing, and the key to sign with. */
export async function writeOwnFiles(folder: string, chain: SigningChain): Promise<OwnFiles> {
  const [policy, keyPath, chainPath, nothing] = ['policy.yml', 'key.pem', 'certificates.pem', 'nothing'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  await mkdir(nothing);
  await writeFile(policy, openPolicy);
  await writeFile(keyPath, chain.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(chainPath, chain.certificates.join(''));
  return { policy, keyPath, chainPath, nothing };
}

/** Our push alone, and our whole job with each compression and each Node. */
export function ownSessions(work: OwnWork): readonly Session[] {
  const push = { key: 'push', steps: work.nodes.slice(0, 1).map((node) => pushStep(work, node)) };
  return [push, ...compressions().flatMap((compression) => work.nodes.map((node) => wholeSession(work, compression, node)))];
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

interface WholeJob {
  readonly image: string;
  readonly push: string;
  readonly place: Place;
  readonly compression?: string;
}

function wholeCommand({ programs, files }: OwnWork, node: NodeProgram, { image, push, place, compression = 'gzip' }: WholeJob): Command {
  const what = ['--image', image, '--push', push, '--compression', compression];
  const how = [
    '--advisories',
    shared('testdata/osv'),
    '--policy',
    files.policy,
    '--signing-key',
    `file:${files.keyPath},${files.chainPath}`,
  ];
  return { program: node.path, args: [programs.whole, 'secure', ...what, ...how, '--report', reportIn(place)] };
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
