import type { SigningSystem } from '../inputs/settings.ts';
import { mapParallel } from '../lib/parallel.ts';
import { StepError } from '../lib/step-error.ts';
import type { JsonValue } from '../lib/strict-json.ts';
import type { Descriptor } from '../model/image.ts';
import type { Confirmation, ConfirmedKind } from '../model/verification.ts';
import type { FetchedManifest } from '../registry/manifest-exchange.ts';
import { type ReadableRepository, visitReferrers } from './attached-document.ts';
import { signaturesLimit } from './hearing-list.ts';

/** Those who are trusted by one policy, and what they sign with. */
export interface Witness {
  /** Asks them of an image: whether they signed it, and for statements of these kinds. */
  ask(repository: ReadableRepository, image: FetchedManifest, kinds: readonly ConfirmedKind[]): Promise<Hearing>;
}

/** One image before those who are trusted by one policy. */
export interface Hearing {
  /** Takes everything that refers to the image, as the list is read. */
  offer(referrer: Descriptor): void;
  /** What they say, once all of it was offered. Rejects with a RegistryError where the registry cannot be read. */
  hear(): Promise<Testimony>;
}

/** What each of them says. The list of what refers to the image, which others may have made long, is read once for all of them. */
export async function hearWitnesses(
  witnesses: readonly Witness[],
  repository: ReadableRepository,
  image: FetchedManifest,
  kinds: readonly ConfirmedKind[],
): Promise<readonly Testimony[]> {
  if (witnesses.length === 0) return [];
  const hearings = await Promise.all(witnesses.map((witness) => witness.ask(repository, image, kinds)));
  await visitReferrers(repository, image.descriptor.digest, (referrer) => {
    for (const hearing of hearings) hearing.offer(referrer);
  });
  return Promise.all(hearings.map((hearing) => hearing.hear()));
}

/** What those who are trusted by one policy say of an image, and why others are not believed. */
export interface Testimony {
  readonly system: SigningSystem;
  /** Name of the policy, or of the input. */
  readonly policy: string;
  /** The policy says that signatures of the image are not looked at. */
  readonly isSkipped: boolean;
  readonly signatures: readonly Confirmation[];
  readonly statements: readonly SignedStatement[];
  /** What the policy only logs. */
  readonly warnings: readonly string[];
  /** Why what was looked at does not count. */
  readonly refusals: readonly StepError[];
  /** How many signatures were not looked at, for they are too many. */
  readonly left: number;
}

/** Something else that somebody who is trusted says of the image, in the words of its type. */
export interface SignedStatement {
  readonly predicateType: string;
  readonly predicate: JsonValue;
  readonly confirmation: Confirmation;
}

export interface Heard<R> {
  readonly answers: readonly R[];
  readonly refusals: readonly StepError[];
  readonly left: number;
}

/**
 * Looks into signatures in their order, some at once: with `until: 'first'` until one of somebody who is trusted holds, for then the others do not matter.
 * `hear` gives undefined for one that says nothing, for it is not there or damaged, and rejects with an error of origin `signature` for one that does not count.
 */
export async function hearInOrder<T, R>(
  items: readonly T[],
  hear: (item: T) => Promise<R | undefined>,
  { until, atOnce }: { readonly until: 'first' | 'end'; readonly atOnce: number },
): Promise<Heard<R>> {
  const refusals: StepError[] = [];
  const answers: R[] = [];
  const heard = items.slice(0, signaturesLimit);
  for (let at = 0; at < heard.length && !(until === 'first' && answers.length > 0); at += atOnce) {
    const batch = await mapParallel(heard.slice(at, at + atOnce), atOnce, (item) => hear(item).catch(toRefusal));
    for (const answer of batch) {
      if (answer instanceof StepError) refusals.push(answer);
      else if (answer !== undefined) answers.push(answer);
    }
  }
  return { answers: until === 'first' ? answers.slice(0, 1) : answers, refusals, left: items.length - heard.length };
}

/** What is wrong with a signature; anything else goes on as it is. */
export function toRefusal(error: unknown): StepError {
  if (error instanceof StepError && error.origin === 'signature') return error;
  throw error;
}
