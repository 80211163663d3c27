import type { Descriptor } from '../model/image.ts';

/** A manifest or index that was read, with what it names. */
export type OciNode = OciIndex | OciManifest;

export interface OciIndex {
  readonly kind: 'index';
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly children: readonly OciNode[];
}

export interface OciManifest {
  readonly kind: 'manifest';
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}
