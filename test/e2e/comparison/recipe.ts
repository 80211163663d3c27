/** A script that makes the file trees of an image's layers, `layer1`, `layer2` and so on, in the folder that it is run in. */
export interface Recipe {
  readonly name: string;
  readonly script: string;
}
