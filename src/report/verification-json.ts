import type { CheckedImage, Failure, ImageUse, Verification } from '../model/verification.ts';

/** Version of the report of `verify`. Fields may be added to it; one that is taken away or changes its meaning makes a new version. */
export const verificationSchemaVersion = 1;

/** The report as JSON, with a line feed at its end; docs/verifying.md tells its fields. It is written field by field, as that of `secure` is. */
export function toVerificationJson(verification: Verification): string {
  const { startedAt, durationMs, verdict, images, remarks, pinned, version } = verification;
  const document = {
    schemaVersion: verificationSchemaVersion,
    tool: { name: 'image-custody', version },
    startedAt,
    durationMs,
    verdict,
    images: images.map(toImage),
    remarks: remarks.map(({ level, file, line, column, reason }) => ({ level, file: file ?? null, line, column, reason })),
    pinned: pinned.map(({ file, digests }) => ({ file, digests })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function toImage({ reference, digest, uses, failures, warnings, confirmed }: CheckedImage) {
  return {
    reference,
    digest: digest ?? null,
    uses: uses.map(toUse),
    failures: failures.map(toFailure),
    warnings,
    confirmed: confirmed.map(({ kind, signedBy, policy, digest: artifact, time }) => ({
      kind,
      signedBy,
      policy,
      digest: artifact ?? null,
      time: time ?? null,
    })),
  };
}

function toFailure({ kind, policy, code, message, hint, uses }: Failure) {
  return { kind, policy, code, message, hint, uses: uses === undefined ? null : uses.map(toUse) };
}

function toUse({ user, file, line, column }: ImageUse) {
  return { user, file: file ?? null, line, column };
}
