import { signatureAlgorithms } from '../../lib/signature-algorithm.ts';
import type { SignatureAlgorithm } from '../../model/signer.ts';
import {
  damaged,
  type Envelope,
  headerNames,
  payloadMediaType,
  type SignedAttribute,
  type SignedContent,
  type SigningScheme,
} from './envelope-content.ts';

type Label = string | number;

/** A protected header as either form gives it. */
export interface RawHeader {
  /** By its JWA name. */
  readonly algorithm: unknown;
  readonly contentType: unknown;
  readonly critical: unknown;
  /** All others. */
  readonly rest: ReadonlyMap<Label, unknown>;
  /** Undefined where the value is no time in this form. */
  readonly readTime: (value: unknown) => Date | undefined;
}

export type SignedHeader = Pick<Envelope, 'algorithm' | 'scheme' | 'signingTime' | 'expiry' | 'attributes'>;

/**
 * Reads the signed attributes by the rules that both forms share. Throws a StepError with code `envelope`, or `critical-header` where one is
 * critical and not known here.
 * https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#signed-attributes
 */
export function parseHeader(header: RawHeader): SignedHeader {
  const algorithm = Object.keys(signatureAlgorithms).find((name): name is SignatureAlgorithm => name === header.algorithm);
  if (algorithm === undefined) throw damaged(`its algorithm ${quoted(header.algorithm)} is none that the Notary Project allows`);
  if (header.contentType !== payloadMediaType) throw damaged(`its content type is ${quoted(header.contentType)}, not ${payloadMediaType}`);
  const scheme = schemes.find((name) => name === header.rest.get(headerNames.scheme));
  if (scheme === undefined) throw damaged(`its signing scheme ${quoted(header.rest.get(headerNames.scheme))} is not known`);
  if (header.rest.has(headerNames.plugin))
    throw damaged(
      `its signer wants it verified by the plugin ${quoted(header.rest.get(headerNames.plugin))}, and plugins are not run here`,
      'critical-header',
    );
  verifyCritical(header, scheme);
  const [ownTime, otherTime] =
    scheme === 'notary.x509' ? [headerNames.time, headerNames.authenticTime] : [headerNames.authenticTime, headerNames.time];
  if (header.rest.has(otherTime)) throw damaged(`${otherTime} must not be there under scheme ${scheme}`);
  const signingTime = readTime(header, ownTime);
  if (signingTime === undefined) throw damaged(`${ownTime} is missing`);
  const expiry = readTime(header, headerNames.expiry);
  if (expiry !== undefined && expiry <= signingTime) throw damaged('it expires before it was made');
  return { algorithm, scheme, signingTime, expiry, attributes: toAttributes(header.rest) };
}

/** The labels that have to be critical, in the order that notation gives them. */
export function toCritical({ expiry }: Pick<SignedContent, 'expiry'>): string[] {
  return [headerNames.scheme, ...(expiry ? [headerNames.expiry] : [])];
}

function verifyCritical({ critical, rest }: RawHeader, scheme: SigningScheme): void {
  if (!Array.isArray(critical) || critical.length === 0) throw damaged('it has no list of critical headers');
  const expected: Label[] = [headerNames.scheme];
  if (scheme === 'notary.x509.signingAuthority') expected.push(headerNames.authenticTime);
  if (rest.has(headerNames.expiry)) expected.push(headerNames.expiry);
  for (const name of expected) if (!critical.includes(name)) throw damaged(`${name} is not marked critical`);
  critical.forEach((name: unknown, index) => {
    if (critical.indexOf(name) !== index) throw damaged(`its header ${quoted(name)} is marked critical twice`);
    if (!rest.has(name as Label)) throw damaged(`its critical header ${quoted(name)} is missing or may not be critical`);
    if (!expected.includes(name as Label)) throw damaged(`its critical header ${quoted(name)} is not known`, 'critical-header');
  });
}

function readTime({ rest, readTime }: RawHeader, name: string): Date | undefined {
  if (!rest.has(name)) return undefined;
  const time = readTime(rest.get(name));
  if (time === undefined || time.getTime() < 0) throw damaged(`its ${name} is no time`);
  return time;
}

function toAttributes(rest: ReadonlyMap<Label, unknown>): readonly SignedAttribute[] {
  return [...rest].filter(([name]) => !ownNames.has(name)).map(([name, value]) => ({ name, value }));
}

function quoted(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value).slice(0, 100) : `(${typeof value})`;
}

const schemes: readonly SigningScheme[] = ['notary.x509', 'notary.x509.signingAuthority'];
const ownNames: ReadonlySet<Label> = new Set([headerNames.scheme, headerNames.time, headerNames.authenticTime, headerNames.expiry]);
