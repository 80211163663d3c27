import { StepError } from '../lib/step-error.ts';
import { isJsonObject, type JsonValue, parseStrictJson } from '../lib/strict-json.ts';
import { type Digest, isDigest } from '../model/digest.ts';
import { readBytes } from './resources.ts';

const maxReportBytes = 256 * 1024 * 1024;

/**
 * What runs of `secure` attached, as their JSON reports say: it is looked at first, however much others have put beside it. Nothing is trusted for being named there. Rejects
 * with a StepError of origin `input` where a file is no such report.
 */
export async function readReceipts(files: readonly string[], workspace: string): Promise<ReadonlySet<Digest>> {
  const digests = new Set<Digest>();
  for (const file of files) {
    const publication = readPublication(file, await readBytes('receipt', file, workspace, true));
    for (const value of [publication.signatures, publication.sboms, publication.attestations].flat()) {
      const digest = isJsonObject(value) ? value.digest : value;
      if (isDigest(digest)) digests.add(digest);
    }
  }
  return digests;
}

function readPublication(file: string, bytes: Uint8Array): Readonly<Record<string, JsonValue>> {
  try {
    const report = parseStrictJson(bytes, { maxBytes: maxReportBytes });
    if (isJsonObject(report) && isJsonObject(report.publication) && report.publication.kind === 'published') return report.publication;
  } catch {
    // The same as another file.
  }
  throw new StepError({
    code: 'file-unreadable',
    origin: 'input',
    message: `Cannot use the file ${JSON.stringify(file)} of the input receipt: it is no report of a run of secure that has published an image`,
    hint: 'Give the file of the input report of that run.',
  });
}
