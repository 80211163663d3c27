import * as v from 'valibot';
import { base64Bytes } from '../../lib/base64.ts';

/** What a log has signed of its tree: https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md. Nothing of it is verified. */
export interface Checkpoint {
  /** Whether the name of the tree is as Rekor's first version has it, `HOST - TREE`. */
  readonly isOfFirstVersion: boolean;
  readonly size: string;
  /** Base64. */
  readonly rootHash: string;
  readonly signatures: readonly CheckpointSignature[];
}

export interface CheckpointSignature {
  readonly name: string;
  /** The first four bytes of the id of the log's key. */
  readonly keyHint: Buffer;
}

/**
 * Reads a checkpoint in the one form that all readers take alike: lines, an empty one, and signatures by what is a name, which @sigstore/verify takes for a regular
 * expression. Throws an Error with a reason.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [head = '', tail, ...others] = text.split('\n\n');
  const [origin = '', size = '', rootHash = ''] = head.split('\n');
  if (tail === undefined || others.length > 0 || !tail.endsWith('\n') || tail === '\n' || origin === '')
    throw new Error('a checkpoint of the log is no signed note');
  const signatures = tail
    .slice(0, -1)
    .split('\n')
    .map((line) => /^\u2014 (\S+) (\S+)$/.exec(line));
  return { isOfFirstVersion: / - [0-9]+$/.test(origin), size, rootHash, signatures: signatures.map(toSignature) };
}

function toSignature(match: RegExpExecArray | null): CheckpointSignature {
  const [, name = '', text = ''] = match ?? [];
  const signature = v.safeParse(base64Bytes, text);
  if (!signature.success || signature.output.length < 5) throw new Error('a checkpoint of the log has a line that is no signature');
  if (!namePattern.test(name)) throw new Error('a checkpoint of the log is signed by what is no name');
  return { name, keyHint: signature.output.subarray(0, 4) };
}

const namePattern = /^[A-Za-z0-9._:/-]{1,253}$/;
