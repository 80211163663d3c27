import { predicateTypes } from '../evidence/predicate-type.ts';
import type { ConfirmedKind } from '../model/verification.ts';
import { signPredicateType } from '../sign/cosign/signature.ts';

/** What a statement is about, by its type. Bills of materials may have their version behind it, and SLSA's of old were other words for the same. */
export function toStatementKind(predicateType: string): ConfirmedKind {
  if (predicateType === signPredicateType) return 'signature';
  if ([predicateTypes.cyclonedx, predicateTypes.spdx].some((type) => predicateType === type || predicateType.startsWith(`${type}/`)))
    return 'sbom';
  if (predicateType === predicateTypes.provenance || predicateType === 'https://slsa.dev/provenance/v0.2') return 'provenance';
  if (predicateType === predicateTypes.scan) return 'scan';
  return predicateType === predicateTypes.verdict ? 'verdict' : 'other';
}
