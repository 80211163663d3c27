/** What a database of rpm holds, whatever its format: the headers of the packages, and in words what of it could not be read. */
export interface HeaderBlobs {
  readonly blobs: readonly Buffer[];
  readonly damage: readonly string[];
}
