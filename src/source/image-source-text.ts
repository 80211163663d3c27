import { parseReference, type Reference } from '../registry/reference.ts';
import { failureOf } from './source-error.ts';

/** An image as the user named it. */
export type ImageSourceText = LocalSourceText | RegistrySourceText;

/** One that a file or a program of this machine has. `location` is a path, perhaps with a tag after it: which, is told by the files that exist. */
export type LocalSourceText =
  | { readonly kind: 'docker-archive' | 'oci-archive' | 'oci'; readonly text: string; readonly location: string }
  | { readonly kind: 'docker-daemon'; readonly text: string; readonly image: string };

export interface RegistrySourceText {
  readonly kind: 'registry';
  readonly text: string;
  readonly reference: Reference;
}

const acceptedForms =
  'Accepted: NAME[:TAG] or docker-daemon:NAME[:TAG] (Docker daemon), docker-archive:FILE[:NAME:TAG], oci-archive:FILE[:TAG], oci:DIR[:TAG], registry:REFERENCE; - in place of FILE is the standard input.';

/** Docker's own form of image names and ids, without what would lead elsewhere in a URL. */
const imageName = /^[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]+\/)?(?:[A-Za-z0-9._:@/-]*[A-Za-z0-9_])?$/;
const otherTransports = /^(?:docker:\/\/|(?:dir|tarball|containers-storage|ostree|sif):)/;

/** Reads the input `image`; throws a StepError of origin `input` that names the accepted forms. */
export function parseImageSource(text: string): ImageSourceText {
  const trimmed = text.trim();
  const [, kind, location] = /^(docker-archive|oci-archive|oci|docker-daemon|registry):(.*)$/s.exec(trimmed) ?? [];
  const refuse = (reason: string) => failureOf(JSON.stringify(text))('source-form', reason, acceptedForms);
  if (kind !== undefined && (location === undefined || location === '')) {
    throw refuse(`nothing follows ${kind}:`);
  }
  if (location !== undefined && (kind === 'docker-archive' || kind === 'oci-archive' || kind === 'oci')) {
    return { kind, text: trimmed, location };
  }
  if (location !== undefined && kind === 'registry') {
    return { kind, text: trimmed, reference: parseReference(location) };
  }
  if (kind === undefined && otherTransports.test(trimmed)) {
    throw refuse('images are not read from there');
  }
  const image = location ?? trimmed;
  if (kind === undefined && (/^[./~-]|\.(?:tar|tgz|gz|zst)$/.test(image) || image.includes('\\'))) {
    throw refuse('it is the name of a file, without what kind of archive it is');
  }
  if (!imageName.test(image) || image.split('/').some((part) => part === '' || /^\.+$/.test(part))) {
    throw refuse('it is not the name of an image');
  }
  return { kind: 'docker-daemon', text: trimmed, image };
}
