import type { Descriptor } from '../model/image.ts';
import type { Session } from './session.ts';
import { beginUpload } from './upload.ts';

/** Writes a blob, start to end. What it rejects with ends the push. */
export type BlobProducer = (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>;

/** Pushes a blob whose digest is known before its bytes are there. */
export async function pushBlob(session: Session, { digest }: Pick<Descriptor, 'digest' | 'size'>, produce: BlobProducer): Promise<void> {
  await using upload = await beginUpload(session);
  await produce((bytes) => upload.write(bytes));
  await upload.hold();
  await upload.commit(digest);
}
