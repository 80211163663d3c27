/** The predicate types of what is said of an image. */
export const predicateTypes = {
  /** https://github.com/in-toto/attestation/blob/main/spec/predicates/cyclonedx.md; without a version, as cosign has it. */
  cyclonedx: 'https://cyclonedx.org/bom',
  /** https://github.com/in-toto/attestation/blob/main/spec/predicates/spdx2.md; without a version, as cosign has it. */
  spdx: 'https://spdx.dev/Document',
  /** https://slsa.dev/spec/v1.0/provenance */
  provenance: 'https://slsa.dev/provenance/v1',
  /** docs/attestations.md */
  scan: 'https://github.com/image-custody/image-custody/attestations/scan/v1',
  /** https://slsa.dev/spec/v1.0/verification_summary */
  verdict: 'https://slsa.dev/verification_summary/v1',
} as const;

export type PredicateType = (typeof predicateTypes)[keyof typeof predicateTypes];

/** Of statements that are attached as they are: https://github.com/in-toto/attestation/blob/v1.1.0/spec/v1/bundle.md, and BuildKit's practice. */
export const inTotoMediaType = 'application/vnd.in-toto+json';

/** Tells which statement it is, on the layer and on the manifest. */
export const predicateTypeAnnotation = 'in-toto.io/predicate-type';
