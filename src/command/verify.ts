import { setFlagsFromString } from 'node:v8';
import type { Host } from '../host/host.ts';
import type { VerifySettings } from '../inputs/settings.ts';
import { evidenceKinds } from '../model/evidence-kind.ts';
import type { Verification } from '../model/verification.ts';
import { parseReference, type Reference, toText } from '../registry/reference.ts';
import type { ReadableRepository } from './attached-document.ts';
import { toCancellation } from './cancellation.ts';
import { type Credentials, openCredentials } from './credentials.ts';
import { type ReadDeployment, readDeployment } from './deployment.ts';
import { standardInputPath } from './deployment-files.ts';
import { openRemote } from './destinations.ts';
import type { ExitCode } from './exit-code.ts';
import { isLayout, openLayoutImage } from './layout-repository.ts';
import { writePins } from './pins.ts';
import { probeReport } from './reporting.ts';
import { readPolicy } from './resources.ts';
import { checkImages, type ImageRequest, type PinnableUse } from './verify-image.ts';
import { tellVerification, tellVerificationFailure } from './verify-report.ts';
import { openWitnesses } from './witnesses.ts';
import type { World } from './world.ts';

/**
 * Holds images, and those of a deployment, against what is asked of them: trust, deployment, credentials, images, digests written in, report. The report is
 * told whatever happens. Rejects with a StepError where the inputs are wrong or nothing could be done.
 */
export async function verify(settings: VerifySettings, host: Host, world: World): Promise<ExitCode> {
  // Lists that others have made long are garbage as soon as they are read: more room for it would be memory, and save no time.
  setFlagsFromString('--semi-space-growth-factor=1');
  const [startedAt, startedMs] = [world.now(), world.elapsedMs()];
  let isTold = false;
  try {
    await probeReport(settings, host);
    const witnesses = await openWitnesses(settings.trust, host.workspace, world);
    const policy = await readPolicy(settings, host.workspace);
    const deployment = settings.deployment.length === 0 ? undefined : await readDeployment(settings, host.workspace, world);
    const access = { ...settings, passwordRegistries: toPasswordRegistries(settings) };
    const credentials = await openCredentials(access, host, world);
    const open = toOpener(access, credentials, world);
    const images = await checkImages(toRequests(settings, deployment), {
      settings,
      open,
      openLayout: (text) => openLayoutImage(text, host.workspace),
      witnesses,
      evidence: {
        required: evidenceKinds.filter((kind) => settings.require.includes(kind)),
        policy,
        maxAgeMs: settings.evidenceMaxAgeMs,
        now: world.now(),
      },
    });
    const pinned = settings.pin ? await writePins(images, deployment?.files ?? [], host.workspace) : [];
    const verification: Verification = {
      images,
      remarks: (deployment?.remarks ?? []).map(({ file, ...remark }) => ({ ...remark, file: toFile(file) })),
      verdict: toVerdict(images, deployment),
      pinned,
      startedAt: startedAt.toISOString(),
      durationMs: Math.round(world.elapsedMs() - startedMs),
      version: world.version,
    };
    isTold = true;
    await tellVerification(verification, settings, host);
    return verification.verdict === 'pass' ? 0 : verification.verdict === 'deny' ? 1 : 3;
  } catch (error) {
    const failure = world.cancelled.aborted ? toCancellation() : error;
    if (!isTold) await tellVerificationFailure(failure, settings, host);
    throw failure;
  }
}

/** The password goes to registries that the inputs name, never to one that a file of the deployment does. */
function toPasswordRegistries({ references, trustedRegistries }: VerifySettings): readonly string[] {
  const named = references.filter((text) => !isLayout(text)).map((text) => parseReference(text).registry);
  return [...new Set([...named, ...trustedRegistries.map((item) => item.split('/')[0] ?? item)])];
}

/** Each repository once. */
function toOpener(settings: VerifySettings, credentials: Credentials, world: World) {
  const opened = new Map<string, Promise<ReadableRepository>>();
  return (reference: Reference): Promise<ReadableRepository> => {
    const name = `${reference.registry}/${reference.repository}`;
    const repository = opened.get(name) ?? openRemote(reference, 'read', settings, credentials, world);
    opened.set(name, repository);
    return repository;
  };
}

const unwritable = { kind: 'none', reason: 'it comes through the standard input' } as const;

/** Each image once, with all who run it. */
function toRequests({ references }: VerifySettings, deployment: ReadDeployment | undefined): readonly ImageRequest[] {
  const requests = new Map<string, { text: string; isLocal: boolean; uses: PinnableUse[] }>();
  const request = (text: string, isLocal: boolean) => {
    const key = isLocal ? text : toKey(text);
    const known = requests.get(key) ?? { text, isLocal, uses: [] };
    requests.set(key, known);
    return known;
  };
  for (const text of references) request(text, isLayout(text));
  for (const { reference, user, file, line, column, pin } of deployment?.images ?? [])
    request(reference, false).uses.push({ user, file: toFile(file), line, column, pin: file === standardInputPath ? unwritable : pin });
  return [...requests.values()];
}

/** Two names of the same image are one; what is no reference stands for itself. */
function toKey(text: string): string {
  try {
    return toText(parseReference(text));
  } catch {
    return text;
  }
}

function toFile(path: string): string | undefined {
  return path === standardInputPath ? undefined : path;
}

function toVerdict(images: Verification['images'], deployment: ReadDeployment | undefined): Verification['verdict'] {
  const kinds = images.flatMap(({ failures }) => failures.map(({ kind }) => kind));
  if (kinds.includes('deny')) return 'deny';
  return kinds.length > 0 || deployment?.remarks.some(({ level }) => level === 'error') === true ? 'undecided' : 'pass';
}
