import { type BerElement, BerFields, berTags, onlyChild, readChildren, readOid } from '../../lib/ber.ts';
import { isAscii, readDer, readDerBits, readDerBoolean, readDerInteger } from '../../lib/der.ts';

/** Throws an Error where the value of an extension that is known (RFC 5280, 4.2) is not as it should be; others may hold anything. */
export function verifyExtensionValue(oid: string, isCritical: boolean, value: Buffer): void {
  const verify = values[oid];
  if (verify === undefined) return;
  if (isCritical && neverCritical.has(oid)) throw new Error('it must not be critical');
  verify(readDer(value));
}

function verifyBasicConstraints(element: BerElement): void {
  const fields = new BerFields(element);
  const isAuthority = fields.takeOptional(berTags.boolean);
  if (isAuthority !== undefined) readDerBoolean(isAuthority);
  const pathLength = fields.takeOptional(berTags.integer);
  if (pathLength !== undefined && readDerInteger(pathLength) < 0n) throw new Error('a length of the path below zero');
  fields.end();
}

function verifyNames(element: BerElement): void {
  for (const name of readChildren(sequence(element))) verifyGeneralName(name, [4, 16]);
}

/** Texts are ASCII, addresses of the lengths given. */
function verifyGeneralName({ tag, content }: BerElement, addressBytes: readonly number[]): void {
  if ((tag === nameTags.email || tag === nameTags.dns || tag === nameTags.uri) && !isAscii(content))
    throw new Error('a name that is not ASCII');
  if (tag === nameTags.uri && content.includes('://') && !URL.canParse(content.toString('latin1')))
    throw new Error('an address that is none');
  if (tag === nameTags.ip && !addressBytes.includes(content.length)) throw new Error('an IP address of a length that none has');
}

function verifyNameConstraints(element: BerElement): void {
  const fields = new BerFields(element);
  const subtrees = [0xa0, 0xa1].flatMap((tag) => {
    const trees = fields.takeOptional(tag);
    return trees === undefined ? [] : readChildren(trees);
  });
  fields.end();
  if (subtrees.length === 0) throw new Error('it is empty');
  for (const subtree of subtrees) {
    const [base] = readChildren(sequence(subtree));
    if (base === undefined) throw new Error('a constraint without a name');
    if (base.tag !== nameTags.uri) verifyGeneralName(base, [8, 32]);
  }
}

/** Each distribution point by its full names (4.2.1.13). */
function verifyPoints(element: BerElement): void {
  for (const point of readChildren(sequence(element))) {
    const [name] = readChildren(sequence(point));
    if (name?.tag === 0xa0 && onlyChild(name).tag !== 0xa0) throw new Error('a distribution point that is named relative to its issuer');
  }
}

function verifyPolicies(element: BerElement): void {
  const policies = readChildren(sequence(element)).map((policy) => readOid(new BerFields(policy).take(berTags.oid)));
  if (new Set(policies).size < policies.length) throw new Error('a policy is there twice');
}

function verifyMappings(element: BerElement): void {
  for (const mapping of readChildren(sequence(element))) {
    const fields = new BerFields(mapping);
    for (const policy of [fields.take(berTags.oid), fields.take(berTags.oid)]) readOid(policy);
  }
}

function verifyPolicyConstraints(element: BerElement): void {
  for (const { tag, content, raw } of readChildren(sequence(element))) {
    if (tag !== 0x80 && tag !== 0x81) throw new Error('a field that is not known');
    readDerInteger({ tag: berTags.integer, content, raw });
  }
}

function verifyAccess(element: BerElement): void {
  for (const description of readChildren(sequence(element))) readOid(new BerFields(description).take(berTags.oid));
}

function sequence(element: BerElement): BerElement {
  return expected(element, berTags.sequence);
}

function expected(element: BerElement, tag: number): BerElement {
  if (element.tag !== tag) throw new Error('it is of another type');
  return element;
}

/** RFC 5280, 4.2.1.6: GeneralName. */
const nameTags = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;

/** RFC 5280, 4.2.1 and 4.2.2. */
const [subjectKey, authorityKey, informationAccess] = ['2.5.29.14', '2.5.29.35', '1.3.6.1.5.5.7.1.1'] as const;
const neverCritical: ReadonlySet<string> = new Set([subjectKey, authorityKey, informationAccess]);
const values: Readonly<Record<string, (element: BerElement) => void>> = {
  [subjectKey]: (element) => expected(element, berTags.octetString),
  '2.5.29.15': (element) => readDerBits(expected(element, berTags.bitString)),
  '2.5.29.17': verifyNames,
  '2.5.29.19': verifyBasicConstraints,
  '2.5.29.30': verifyNameConstraints,
  '2.5.29.31': verifyPoints,
  '2.5.29.32': verifyPolicies,
  '2.5.29.33': verifyMappings,
  [authorityKey]: sequence,
  '2.5.29.36': verifyPolicyConstraints,
  '2.5.29.37': (element) => readChildren(sequence(element)).forEach(readOid),
  '2.5.29.54': (element) => readDerInteger(expected(element, berTags.integer)),
  [informationAccess]: verifyAccess,
};
