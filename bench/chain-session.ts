import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { peer, shared } from '../test/e2e/peers.ts';
import { expectProgram } from '../test/e2e/step.ts';
import { copyArchive, copyTitle, digestFile } from './copy-sessions.ts';
import type { Command } from './measure.ts';
import type { OwnFiles } from './own-sessions.ts';
import { firstReference, type Place, type Session, type Step } from './session.ts';

export interface ChainFiles {
  /** For osv-scanner: a folder with the database in one of the name that it looks for. */
  readonly database: string;
  /** For notation, as `XDG_CONFIG_HOME`. */
  readonly configuration: string;
  readonly cosignKey: string;
}

const cosignEnv = { COSIGN_PASSWORD: 'bench' };

/** Writes what the programs of the chain need: the database, and a key for each signer. */
export async function writeChainFiles(folder: string, { keyPath, chainPath }: OwnFiles): Promise<ChainFiles> {
  const [database, configuration] = [join(folder, 'database'), join(folder, 'configuration')];
  await mkdir(database);
  await symlink(shared('testdata/osv'), join(database, 'osv-scalibr'));
  await mkdir(join(configuration, 'notation'), { recursive: true });
  const keys = { default: 'bench', keys: [{ name: 'bench', keyPath, certPath: chainPath }] };
  await writeFile(join(configuration, 'notation/signingkeys.json'), JSON.stringify(keys));
  const prefix = join(folder, 'cosign');
  await expectProgram(peer('cosign'), ['generate-key-pair', '--output-key-prefix', prefix], { env: { ...process.env, ...cosignEnv } });
  return { database, configuration, cosignKey: `${prefix}.key` };
}

/** The programs that people run one after the other for what we do in one. */
export function chainSession(archive: string, files: ChainFiles): Session {
  const secrets = secretScanner(archive);
  const steps: readonly (readonly [string, Step['command']])[] = [
    ['syft: bill of materials', (place) => syft(archive, place)],
    ['osv-scanner: vulnerabilities, offline', (place) => osvScanner(archive, files, place)],
    [secrets.title, secrets.command],
    ['skopeo copy', (place) => copyArchive(archive, place)],
    ['notation sign', async (place) => notation(files, await pinnedReference(place))],
    ['cosign sign', async (place) => cosign(files, await pinnedReference(place))],
  ];
  return {
    key: 'chain',
    steps: steps.map(([title, command]) => ({ title: `chain: ${title}`, reference: copyTitle, command })),
    sum: { title: 'chain: all of it', reference: copyTitle },
  };
}

function syft(archive: string, { folder }: Place): Command {
  const output = `cyclonedx-json=${join(folder, 'syft.json')}`;
  return {
    program: peer('syft'),
    args: ['scan', '--quiet', `docker-archive:${archive}`, '--output', output],
    env: { SYFT_CHECK_FOR_APP_UPDATE: 'false' },
  };
}

function osvScanner(archive: string, { database }: ChainFiles, { folder }: Place): Command {
  const offline = ['--offline', '--local-db-path', database];
  const output = ['--format', 'json', '--output-file', join(folder, 'osv-scanner.json')];
  // 1: there are vulnerabilities.
  return { program: peer('osv-scanner'), args: ['scan', 'image', ...offline, ...output, '--archive', archive], acceptedExitCodes: [1] };
}

/** Trivy where it is installed: it takes six minutes of CPU time to build. gitleaks needs many times as long for an image. */
function secretScanner(archive: string): { readonly title: string; readonly command: Step['command'] } {
  const trivy = findPeer('trivy');
  if (trivy !== undefined) {
    // A cache of its own for each run: Trivy keeps there what it found in a layer.
    const how = ({ folder }: Place) => ['--cache-dir', join(folder, 'trivy'), '--output', join(folder, 'trivy.json')];
    const args = ['image', '--quiet', '--scanners', 'secret', '--offline-scan', '--skip-version-check', '--format', 'json'];
    return {
      title: 'trivy: secrets',
      command: (place) => ({ program: trivy, args: [...args, ...how(place), '--input', archive] }),
    };
  }
  // A layer is an archive in the archive.
  const args = ['dir', '--no-banner', '--log-level', 'fatal', '--max-archive-depth', '2', '--exit-code', '0', '--report-format', 'json'];
  return {
    title: 'gitleaks: secrets',
    command: ({ folder }) => ({ program: peer('gitleaks'), args: [...args, '--report-path', join(folder, 'gitleaks.json'), archive] }),
  };
}

function notation({ configuration }: ChainFiles, reference: string): Command {
  return { program: peer('notation'), args: ['sign', '--insecure-registry', reference], env: { XDG_CONFIG_HOME: configuration } };
}

/** With nothing sent to the internet: no transparency log, and no configuration of services that would be looked up there. */
function cosign({ cosignKey }: ChainFiles, reference: string): Command {
  const alone = ['--tlog-upload=false', '--use-signing-config=false', '--allow-http-registry', '--yes'];
  return { program: peer('cosign'), args: ['sign', '--key', cosignKey, ...alone, reference], env: cosignEnv };
}

async function pinnedReference(place: Place): Promise<string> {
  return `${firstReference(place).replace(/:1$/, '')}@${(await readFile(digestFile(place), 'utf8')).trim()}`;
}

function findPeer(name: string): string | undefined {
  try {
    return peer(name);
  } catch {
    return undefined;
  }
}
