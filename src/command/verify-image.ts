import type { PinPlace } from '../deployment/used-image.ts';
import type { VerifySettings } from '../inputs/settings.ts';
import { mapParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { CheckedImage, Failure, ImageUse } from '../model/verification.ts';
import type { FetchedManifest } from '../registry/manifest-exchange.ts';
import { parseReference, type Reference, toText } from '../registry/reference.ts';
import { isRegistryError } from '../registry/registry-error.ts';
import type { ReadableRepository } from './attached-document.ts';
import type { LayoutImage } from './layout-repository.ts';
import { hearWitnesses, type Testimony, type Witness } from './testimony.ts';
import { isTrustedRegistry } from './trusted-registry.ts';
import { checkEvidence, type EvidenceRules, toSoughtKinds } from './verify-evidence.ts';
import { toUndecided, toUnsigned } from './verify-failure.ts';

/** An image that is to be verified, and everybody who runs it. `isLocal`: it is named as that of an OCI layout. */
export interface ImageRequest {
  readonly text: string;
  readonly isLocal: boolean;
  readonly uses: readonly PinnableUse[];
}

export interface PinnableUse extends ImageUse {
  readonly pin: PinPlace;
}

/** What was found out of such an image. */
export interface PinnableImage extends CheckedImage {
  readonly uses: readonly PinnableUse[];
}

/** What images are verified with. */
export interface ImageChecks {
  readonly settings: VerifySettings;
  /** Rejects with a StepError. */
  readonly open: (reference: Reference) => Promise<ReadableRepository>;
  /** The same for an image of a layout. */
  readonly openLayout: (text: string) => Promise<LayoutImage>;
  readonly witnesses: readonly Witness[];
  readonly evidence: EvidenceRules;
}

const atOnce = 6;

/** All of the images, in their order. */
export function checkImages(requests: readonly ImageRequest[], checks: ImageChecks): Promise<readonly PinnableImage[]> {
  return mapParallel(requests, atOnce, (request) => checkImage(request, checks));
}

/**
 * Holds one image against what is asked for: trusted registry, before it is asked for anything; digest in the deployment; the manifest, which has to be
 * there; signatures. Anything that cannot be found out is a failure of the kind `undecided`.
 */
async function checkImage(request: ImageRequest, checks: ImageChecks): Promise<PinnableImage> {
  const image = { reference: request.text, digest: undefined, uses: request.uses, failures: [], warnings: [], confirmed: [] };
  try {
    const found = await findManifest(request, checks);
    if ('failure' in found) return { ...image, failures: [found.failure] };
    try {
      return { ...image, ...(await hold(request, found, checks)) };
    } finally {
      await found.close();
    }
  } catch (error) {
    if (error instanceof StepError && error.origin === 'input' && !isRegistryError(error, 'reference-invalid')) throw error;
    return { ...image, failures: [toUndecided('image', error)] };
  }
}

/** Holds an image that is there against what is asked for. */
async function hold({ text, uses }: ImageRequest, { repository, manifest, name, isPinned }: FoundManifest, checks: ImageChecks) {
  const kinds = toSoughtKinds(checks.evidence.required);
  const testimonies = await hearWitnesses(checks.witnesses, repository, manifest, kinds);
  const statements = testimonies.flatMap((testimony) => testimony.statements);
  const evidence = checkEvidence(name, statements, checks.evidence);
  const failures = [...toUnsignedFailures(name, testimonies, checks.settings), ...evidence.failures];
  // Nothing is written of an image that does not pass.
  const isWritten = checks.settings.pin && failures.length === 0;
  return {
    digest: manifest.descriptor.digest,
    failures: [...(isPinned ? [] : toUnpinned(text, uses, isWritten, checks.settings)), ...failures],
    warnings: [...testimonies.flatMap(({ warnings }) => warnings), ...evidence.warnings],
    confirmed: [...testimonies.flatMap(({ signatures }) => signatures), ...statements.map(({ confirmation }) => confirmation)],
  };
}

interface FoundManifest {
  readonly repository: ReadableRepository;
  readonly manifest: FetchedManifest;
  /** With the digest. */
  readonly name: string;
  readonly isPinned: boolean;
  close(): Promise<void>;
}

async function findManifest(
  { text, isLocal }: ImageRequest,
  { settings, open, openLayout }: ImageChecks,
): Promise<FoundManifest | { readonly failure: Failure }> {
  if (isLocal) {
    const { repository, digest, close } = await openLayout(text);
    return { repository, manifest: await repository.fetchManifest(digest), name: `${text} (${digest})`, isPinned: true, close };
  }
  const reference = parseReference(text);
  if (!isTrustedRegistry(reference, settings.trustedRegistries)) return { failure: toUntrustedRegistry(reference) };
  const repository = await open(reference);
  const manifest = await repository.fetchManifest(reference.digest ?? reference.tag ?? 'latest');
  const { digest } = manifest.descriptor;
  return { repository, manifest, name: toText({ ...reference, digest }), isPinned: reference.digest !== undefined, close: async () => {} };
}

/** What is asked for of signatures, each once: by anybody who is trusted, or by somebody who signs with one of the systems. */
function toUnsignedFailures(image: string, testimonies: readonly Testimony[], { require }: VerifySettings): readonly Failure[] {
  const wanted = [
    ...(require.includes('signature') ? [testimonies] : []),
    ...(['notation', 'cosign'] as const)
      .filter((system) => require.includes(system))
      .map((system) => testimonies.filter((testimony) => testimony.system === system)),
  ];
  const failures = wanted.filter((heard) => !heard.some(isSigned)).map((heard) => toUnsigned(image, heard));
  return failures.filter(({ policy }, at) => failures.findIndex((other) => other.policy === policy) === at);
}

function isSigned({ signatures, isSkipped }: Testimony): boolean {
  return isSkipped || signatures.length > 0;
}

function toUntrustedRegistry({ registry, repository }: Reference): Failure {
  return {
    kind: 'deny',
    policy: 'trusted-registry',
    code: 'untrusted-registry',
    message: `${registry}/${repository} is not in a registry that images may come from`,
    hint: 'Take the image over into a trusted registry (secure), or add its registry to trusted-registry.',
  };
}

/** The places that name the image by a tag, which may be another image tomorrow. */
function toUnpinned(text: string, uses: readonly PinnableUse[], isPinned: boolean, { require }: VerifySettings): readonly Failure[] {
  const left = uses.filter(({ pin }) => !isPinned || pin.kind === 'none');
  if (left.length === 0 || !require.includes('digest')) return [];
  const reasons = left.flatMap(({ pin }) => (isPinned && pin.kind === 'none' ? [pin.reason] : []));
  const [reason] = reasons;
  return [
    {
      kind: 'deny',
      policy: 'digest',
      code: 'not-pinned',
      message: `${text} has no digest: its tag may be another image tomorrow${reason === undefined ? '' : `, and one cannot be written in: ${reason}`}`,
      hint: 'Write the digest behind the name (NAME:TAG@sha256:…), or let verify do it (pin).',
      uses: left,
    },
  ];
}
