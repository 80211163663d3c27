/** What can be said of a published image beside its signature, each in a statement of in-toto. */
export const evidenceKinds = ['sbom', 'provenance', 'scan', 'verdict'] as const;

export type EvidenceKind = (typeof evidenceKinds)[number];
