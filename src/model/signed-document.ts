/** A signature, as it is attached to a manifest: the one layer of a manifest that refers to it. */
export interface SignedDocument {
  readonly artifactType: string;
  /** Of the layer. */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Of the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** The same in the form of cosign 2: a layer of the image manifest at the tag `sha256-HEX.sig`. */
export interface TaggedLayer {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Of the layer. */
  readonly annotations: Readonly<Record<string, string>>;
}
