import { draftCose, parseCose } from './cose.ts';
import { damaged, type Envelope, type EnvelopeDraft, type SignedContent } from './envelope-content.ts';
import { draftJws, parseJws } from './jws.ts';

export type { Envelope, EnvelopeMediaType, SignedAttribute, SignedSubject } from './envelope-content.ts';

/** Names of the two forms, as the input `signature-format` has them. */
export type EnvelopeFormat = 'jws' | 'cose';

/** What has to be signed, and how it becomes an envelope. */
export function draftEnvelope(format: EnvelopeFormat, content: SignedContent): EnvelopeDraft {
  return format === 'cose' ? draftCose(content) : draftJws(content);
}

export const envelopeMediaTypes = { jws: 'application/jose+json', cose: 'application/cose' } as const;

/**
 * Reads an envelope of the media type that its layer names, strictly; what it says is not verified. Throws a StepError: code `envelope`, or
 * `critical-header` where it asks for something that is not known here.
 */
export function parseEnvelope(bytes: Uint8Array, mediaType: string): Envelope {
  if (mediaType === envelopeMediaTypes.jws) return parseJws(bytes);
  if (mediaType === envelopeMediaTypes.cose) return parseCose(bytes);
  throw damaged(
    `its media type ${JSON.stringify(mediaType.slice(0, 100))} is neither ${envelopeMediaTypes.jws} nor ${envelopeMediaTypes.cose}`,
  );
}
