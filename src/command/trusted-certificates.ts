import { readCertificates } from '../lib/certificate-bundle.ts';
import { StepError } from '../lib/step-error.ts';
import { readBytes } from './resources.ts';

/** The certificates (DER) of a file that an input names. Rejects with a StepError of origin `input` where it has none. */
export async function readTrustedCertificates(input: string, file: string, workspace: string): Promise<readonly Uint8Array[]> {
  const content = await readBytes(input, file, workspace, true);
  try {
    const certificates = await readCertificates(content);
    if (certificates.length > 0) return certificates.map(({ raw }) => raw);
  } catch {
    // The same as none.
  }
  throw new StepError({
    code: 'file-unreadable',
    origin: 'input',
    message: `Cannot use the file ${JSON.stringify(file)} of the input ${input}: it has no certificate`,
    hint: 'Give the certificate that signs, or that of its authority, in PEM or DER.',
  });
}
