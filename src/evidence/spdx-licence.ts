import { createHash } from 'node:crypto';
import { joinExpressions, type Stated, toLicences } from './licence.ts';

/** A licence that is not of the SPDX list. https://spdx.github.io/spdx-spec/v2.3/other-licensing-information-detected/ */
export interface OtherLicence {
  readonly licenseId: string;
  readonly name: string;
  readonly extractedText: string;
}

/**
 * What a package states as its licences, in one valid expression, `NOASSERTION` where it states none. Each name that is not of the SPDX list is
 * put into `others`, by its id.
 */
export function toLicenceExpression(stated: Stated, others: Map<string, OtherLicence>): string {
  const licences = toLicences(stated);
  if (licences.length === 0) return noAssertion;
  return joinExpressions(
    licences.map(({ kind, text }) => {
      // An expression that refers to another document would need that document.
      if (kind === 'name' || text.includes('DocumentRef-')) return addOther(toReference(text), text, others);
      for (const [licenseId] of text.matchAll(/LicenseRef-[A-Za-z0-9.-]+/g)) addOther(licenseId, licenseId, others);
      return text;
    }),
  );
}

function addOther(licenseId: string, text: string, others: Map<string, OtherLicence>): string {
  others.set(licenseId, { licenseId, name: text, extractedText: text });
  return licenseId;
}

export const noAssertion = 'NOASSERTION';

/** `LicenseRef-` and letters, digits, `.` and `-`; names that differ in other characters only have different ids all the same. */
function toReference(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 60);
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return plain === name ? `LicenseRef-${plain}` : `LicenseRef-${plain}-${digest}`;
}
