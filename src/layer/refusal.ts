import { StepError } from '../lib/step-error.ts';

/**
 * Why a layer is not taken. `malformed-tar`: Go's archive/tar refuses it as well, or it is cut. `ambiguous-tar`: readers disagree on what
 * it holds. `unsupported`: a format that is not read. `malformed-gzip`, `malformed-zstd`: damaged, cut or followed by other bytes. `limit`: larger than what
 * is read. `mismatch`: other bytes than manifest or configuration name. `inspector-failed`: an error of this program.
 */
export type LayerErrorCode =
  | 'malformed-tar'
  | 'ambiguous-tar'
  | 'unsupported'
  | 'malformed-gzip'
  | 'malformed-zstd'
  | 'limit'
  | 'mismatch'
  | 'inspector-failed';

/** The error for a layer that is refused at byte `offset` of the tar or, for `malformed-gzip` and `malformed-zstd`, of the compressed file. */
export function layerRefusal(layer: string, code: LayerErrorCode, offset: number, rule: string): StepError<LayerErrorCode> {
  return new StepError({
    code,
    origin: 'source',
    message: `cannot read layer ${layer}: at byte ${offset}: ${rule}`,
    hint: hints[code],
  });
}

const hints: Readonly<Record<LayerErrorCode, string>> = {
  'malformed-tar': 'Build or save the image again; the layer is damaged, or no container runtime could unpack it either.',
  'ambiguous-tar':
    'Tar readers disagree on what this layer holds, so a scan could not speak for what runs. Find out which tool wrote it and rebuild the layer.',
  unsupported:
    'Layers may be uncompressed, gzip or zstd, in the tar formats that container runtimes unpack. Rebuild the layer with such a tool.',
  'malformed-gzip': 'Build or save the image again; the layer is damaged.',
  'malformed-zstd': 'Build or save the image again; the layer is damaged.',
  limit: 'If the image is meant to be like this, split the layer; otherwise treat the image as hostile.',
  mismatch: 'Build or save the image again; its manifest and its layers do not belong together.',
  'inspector-failed': 'This is a defect of the step, not of the image; please report it with this message.',
};
