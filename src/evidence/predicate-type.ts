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

/** On the layer and on the manifest of a statement that is attached as it is: which one it is. BuildKit writes it on its layers. */
export const predicateTypeAnnotation = 'in-toto.io/predicate-type';
