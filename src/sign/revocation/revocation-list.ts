import { type BerElement, BerFields, berTags, eachChild, onlyChild, readBer, readChildren, readInteger } from '../../lib/ber.ts';
import { type AuthorityStatement, isSignedBy, takeStatement } from './authority-signature.ts';
import {
  type Extension,
  readExtensions,
  readInvalidityDate,
  readTime,
  refuseCritical,
  toRevoked,
  type Verdict,
  verifyFreshness,
} from './extensions.ts';
import { type RevocableCertificate, withoutZeros } from './revocable-certificate.ts';

/** A revocation list (RFC 5280, 5), read and not verified. Its entries are read when one is looked for: there may be a million. */
export interface RevocationList {
  readonly statement: AuthorityStatement;
  /** DER of the name. */
  readonly issuer: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly entries: BerElement | undefined;
  readonly extensions: ReadonlyMap<string, Extension>;
}

/** Throws an Error that says what is wrong. */
export function parseRevocationList(bytes: Uint8Array): RevocationList {
  const outer = new BerFields(readBer(bytes));
  const statement = takeStatement(outer);
  outer.end();
  const fields = new BerFields(statement.content);
  const version = fields.takeOptional(berTags.integer);
  if (version !== undefined && readInteger(version) !== 1n) throw new Error('it is of a version that is not known');
  if (!fields.take(berTags.sequence).raw.equals(statement.algorithm.raw)) throw new Error('it names two algorithms of its signature');
  const issuer = fields.take(berTags.sequence).raw;
  const thisUpdate = readTime(fields.takeAny());
  const nextUpdate = fields.takeOptional(berTags.utcTime) ?? fields.takeOptional(berTags.generalizedTime);
  const entries = fields.takeOptional(berTags.sequence);
  const extensions = fields.takeOptional(0xa0);
  fields.end();
  return {
    statement,
    issuer,
    thisUpdate,
    nextUpdate: nextUpdate && readTime(nextUpdate),
    entries,
    extensions: readExtensions(extensions && onlyChild(extensions)),
  };
}

/**
 * Throws where the list is not one by `issuer` that counts now and speaks of `certificate`. `names`: those of the distribution point, one of which a list
 * for a part of the certificates has to have (RFC 5280, 6.3.3, b).
 */
export function verifyRevocationList(
  list: RevocationList,
  certificate: RevocableCertificate,
  issuer: RevocableCertificate,
  { names, now }: { readonly names: readonly string[]; readonly now: Date },
): void {
  if (!list.issuer.equals(issuer.subjectBytes)) throw new Error('it is by another authority than the certificate (an indirect list)');
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.usages.includes('crlSign'))
    throw new Error(`"${issuer.subject}" may not sign revocation lists`);
  if (!isSignedBy(issuer.publicKey, list.statement)) throw new Error(`it is not signed by "${issuer.subject}"`);
  verifyFreshness(list.thisUpdate, list.nextUpdate, now);
  refuseCritical(list.extensions, [oids.issuingPoint, oids.deltaIndicator]);
  verifyScope(list, certificate, names);
}

/** RFC 5280, 5.2.5. */
function verifyScope(list: RevocationList, certificate: RevocableCertificate, names: readonly string[]): void {
  const scope = list.extensions.get(oids.issuingPoint);
  if (scope === undefined) return;
  const fields = new BerFields(scope.value);
  const point = fields.takeOptional(0xa0);
  const [onlyUsers, onlyAuthorities] = [0x81, 0x82].map((tag) => isTrue(fields.takeOptional(tag)));
  const someReasons = fields.takeOptional(0x83);
  const [isIndirect, onlyAttributes] = [0x84, 0x85].map((tag) => isTrue(fields.takeOptional(tag)));
  fields.end();
  if (isIndirect) throw new Error('it is an indirect list');
  if (someReasons !== undefined) throw new Error('it is for some reasons of revocation alone');
  const isAuthority = certificate.basicConstraints?.ca === true;
  if (onlyAttributes || (onlyUsers && isAuthority) || (onlyAuthorities && !isAuthority))
    throw new Error('it is for certificates of another kind');
  if (point === undefined) return;
  const full = onlyChild(point);
  const uris = full.tag === 0xa0 ? readChildren(full).map(({ content }) => content.toString('latin1')) : [];
  if (!uris.some((uri) => names.includes(uri))) throw new Error('it is the list of another distribution point');
}

function isTrue(element: BerElement | undefined): boolean {
  return (element?.content[0] ?? 0) !== 0;
}

/** Where the delta list of a base is. */
export function deltaNames({ extensions }: RevocationList): readonly string[] | undefined {
  const freshest = extensions.get(oids.freshestList);
  if (freshest === undefined) return undefined;
  return readChildren(freshest.value).flatMap((point) => {
    const [name] = readChildren(point).filter(({ tag }) => tag === 0xa0);
    const full = name && onlyChild(name);
    if (full?.tag !== 0xa0) return [];
    return readChildren(full).flatMap(({ tag, content }) => (tag === 0x86 ? [content.toString('latin1')] : []));
  });
}

/** Throws where a list is a delta. */
export function verifyBase({ extensions }: RevocationList): void {
  if (extensions.has(oids.deltaIndicator)) throw new Error('it is a delta list where a complete one belongs');
}

/** Throws where `delta`, verified by itself, does not go on from `base` (RFC 5280, 5.2.4). */
export function verifyDelta(delta: RevocationList, base: RevocationList): void {
  const [number, baseNumber] = [delta, base].map(({ extensions }) => readNumber(extensions.get(oids.number)));
  const from = readNumber(delta.extensions.get(oids.deltaIndicator));
  if (number === undefined || baseNumber === undefined || from === undefined) throw new Error('the delta list and its base lack numbers');
  if (from > baseNumber || number <= baseNumber) throw new Error('the delta list does not go on from its base');
  const [scope, baseScope] = [delta, base].map(({ extensions }) => extensions.get(oids.issuingPoint)?.value.raw.toString('hex'));
  if (scope !== baseScope) throw new Error('the delta list is for other certificates than its base');
}

function readNumber(extension: Extension | undefined): bigint | undefined {
  return extension && readInteger(extension.value);
}

/**
 * What verified lists, a base and its delta, say of a certificate. A revocation with effect from after `signingTime` does not count. Of hold and its end
 * the later one counts; everything else is for good.
 */
export function findRevocation(
  lists: readonly RevocationList[],
  { serialNumber }: RevocableCertificate,
  signingTime: Date | undefined,
): Verdict {
  let latest: Entry | undefined;
  for (const { entries } of lists) {
    if (entries === undefined) continue;
    for (const element of eachChild(entries)) {
      const entry = readIfOf(element, serialNumber);
      if (entry === undefined) continue;
      if (signingTime !== undefined && entry.invalidFrom !== undefined && signingTime < entry.invalidFrom) return { kind: 'good' };
      if (entry.reason !== reasons.hold && entry.reason !== reasons.removed) return toRevoked(entry.time, entry.reason);
      if (latest === undefined || latest.time < entry.time) latest = entry;
    }
  }
  return latest?.reason === reasons.hold ? toRevoked(latest.time, latest.reason) : { kind: 'good' };
}

interface Entry {
  readonly time: Date;
  readonly reason: number | undefined;
  readonly invalidFrom: Date | undefined;
}

function readIfOf(element: BerElement, serialNumber: Buffer): Entry | undefined {
  const [serial] = eachChild(element);
  if (serial?.tag !== berTags.integer) throw new Error('an entry has no serial number');
  if (!withoutZeros(serial.content).equals(serialNumber)) return undefined;
  const fields = new BerFields(element);
  fields.takeAny();
  const time = readTime(fields.takeAny());
  const extensions = readExtensions(fields.takeOptional(berTags.sequence));
  fields.end();
  refuseCritical(extensions, [oids.reason, oids.invalidityDate]);
  const reason = extensions.get(oids.reason)?.value.content[0];
  return { time, reason, invalidFrom: readInvalidityDate(extensions) };
}

const reasons = { hold: 6, removed: 8 } as const;

/** RFC 5280, 5.2 and 5.3. */
const oids = {
  number: '2.5.29.20',
  reason: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  deltaIndicator: '2.5.29.27',
  issuingPoint: '2.5.29.28',
  freshestList: '2.5.29.46',
} as const;
