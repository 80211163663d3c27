import { StepError } from '../../lib/step-error.ts';
import type { Check, CheckOutcome } from '../../model/check.ts';
import { type LocalSourceText, parseImageSource, type RegistrySourceText } from '../../source/image-source-text.ts';
import { findLocalImage } from '../image.ts';
import type { Case } from './case.ts';
import { describeCredential } from './repositories.ts';

/** The image is where it is to be taken from. Left out where none is named. */
export function imageCheck(given: Case): readonly Check[] {
  const { image } = given.settings;
  if (image === undefined) return [];
  const source = parseImageSource(image);
  return [
    source.kind === 'registry'
      ? { name: 'image', needs: given.needsOf(source.reference.registry), run: () => lookUp(given, source) }
      : { name: 'image', needs: [], run: () => findLocal(given, source) },
  ];
}

async function lookUp(given: Case, { reference }: RegistrySourceText): Promise<CheckOutcome> {
  const repository = await given.open(reference, 'read');
  const { descriptor } = await repository.fetchManifest(reference.digest ?? reference.tag ?? 'latest');
  const credential = await given.credentials().forRegistry(reference, 'read');
  return { state: 'right', text: `it can be read ${describeCredential(credential)}: ${descriptor.digest}` };
}

/** One that is not there yet may be built between this and the run: the daemon answered, or the disk did. */
async function findLocal({ settings, host, world }: Case, image: LocalSourceText): Promise<CheckOutcome> {
  // The standard input is read once, and not by this.
  const environment = { ...world.environment, standardInput: undefined };
  if (/^(?:docker-archive|oci-archive):-(?::|$)/.test(image.text)) return { state: 'right', text: 'it comes by the standard input' };
  try {
    await findLocalImage(image, settings, host, { ...world, environment });
    return { state: 'right', text: `${image.text} is there` };
  } catch (error) {
    if (!(error instanceof StepError) || error.code !== 'source-not-found') throw error;
    return { state: 'warning', text: `${error.message}: it has to be there when the step runs`, hint: error.hint, code: error.code };
  }
}
