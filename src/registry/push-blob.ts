import type { Descriptor } from '../model/image.ts';
import { type BlobProducer, toBodySource } from './body-source.ts';
import { isRegistryError } from './registry-error.ts';
import type { Session } from './session.ts';
import { beginUpload } from './upload.ts';
import { putBlob } from './upload-commit.ts';

/**
 * Pushes a blob whose digest and size are known before its bytes are there: in pieces, or all of it in one request where the registry takes no
 * pieces or lost what it had of them. `produce` is called anew for each try.
 */
export async function pushBlob(
  session: Session,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  produce: BlobProducer,
): Promise<void> {
  if (session.takesPieces) {
    try {
      await using upload = await beginUpload(session);
      await produce((bytes) => upload.write(bytes));
      await upload.hold();
      return await upload.commit(digest);
    } catch (error) {
      if (!isRegistryError(error, 'pieces-refused', 'upload-dropped')) throw error;
    }
  }
  await putBlob(session, digest, toBodySource(produce, size));
}
