import { AsnConvert } from '@peculiar/asn1-schema';
import * as asn from '@peculiar/asn1-x509';
import { expect, test } from 'vitest';
import { isSubset, parseDistinguishedName, readSubject } from '../../../src/sign/notary/trust-identity.ts';

const oids = {
  C: '2.5.4.6',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  L: '2.5.4.7',
  emailAddress: '1.2.840.113549.1.9.1',
};

/** DER of a name, as a certificate has it. */
function toName(parts: readonly (readonly [keyof typeof oids, string])[]): Buffer {
  const relative = parts.map(
    ([type, value]) =>
      new asn.RelativeDistinguishedName([
        new asn.AttributeTypeAndValue({ type: oids[type], value: new asn.AttributeValue({ utf8String: value }) }),
      ]),
  );
  return Buffer.from(AsnConvert.serialize(new asn.Name(relative)));
}

const base = [
  ['C', 'DE'],
  ['ST', 'Berlin'],
  ['O', 'Tests'],
] as const;

test.each([
  ['the order does not count', 'O=Tests, ST=Berlin, C=DE', true],
  ['nor does the other name of ST', 'C=DE,S=Berlin,O=Tests', true],
  ['nor semicolons', 'C=DE;ST=Berlin;O=Tests', true],
  ['more attributes have to be there', 'C=DE,ST=Berlin,O=Tests,CN=web', true],
  ['with the same value', 'C=DE,ST=Berlin,O=Tests,CN=api', false],
  ['in the same case', 'C=DE,ST=berlin,O=Tests', false],
  ['and one that is not there does not match', 'C=DE,ST=Berlin,O=Tests,OU=x', false],
])('%s', (_, identity, matches) => {
  expect(isSubset(parseDistinguishedName(identity), readSubject(toName([...base, ['CN', 'web']])))).toBe(matches);
});

test.each([
  ['a comma', 'Tests\\, Inc.', 'Tests, Inc.'],
  ['a plus and quotes', '\\"A\\+B\\"', '"A+B"'],
  ['a byte in hexadecimal', 'Caf\\C3\\A9', 'Café'],
  ['letters as they are', 'Café', 'Café'],
  ['an escaped blank at its end', 'Tests\\  ', 'Tests '],
  ['a leading number sign', '\\#1', '#1'],
  ['an equals sign', 'a=b', 'a=b'],
  ['a backslash', 'a\\\\b', 'a\\b'],
])('a value may hold %s', (_, escaped, value) => {
  const identity = parseDistinguishedName(`C=DE, ST=Berlin, O=${escaped}`);
  expect(identity.get('O')).toBe(value);
  expect(isSubset(identity, readSubject(toName([base[0], base[1], ['O', value]])))).toBe(true);
});

test('of several common names the last one counts, as it does for Go', () => {
  const subject = readSubject(toName([...base, ['CN', 'api'], ['CN', 'web']]));
  expect(isSubset(parseDistinguishedName('C=DE,ST=Berlin,O=Tests,CN=web'), subject)).toBe(true);
  expect(isSubset(parseDistinguishedName('C=DE,ST=Berlin,O=Tests,CN=api'), subject)).toBe(false);
});

test.each([
  ['an attribute that identities cannot name', [...base, ['emailAddress', 'a@example.com']], /1\.2\.840\.113549\.1\.9\.1/],
  ['an attribute twice', [...base, ['OU', 'a'], ['OU', 'b']], /"OU" is there twice/],
  ['no state', [base[0], base[2]], /ST is missing/],
  ['a value that notation cannot read', [...base, ['CN', 'a=#b']], /=#/],
] as const)('a subject with %s is compared with nobody', (_, parts, reason) => {
  expect(() => readSubject(toName(parts))).toThrow(reason);
});
