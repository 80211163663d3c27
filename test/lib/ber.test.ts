import { describe, expect, it } from 'vitest';
import { BerFields, onlyChild, readBer, readChildren, readInteger, readOctetString, readOid, toDer, toTagged } from '../../src/lib/ber.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('BER', () => {
  it.each([
    ['02 01 00', 0n],
    ['02 01 7f', 127n],
    ['02 01 80', -128n],
    ['02 02 0080', 128n],
    ['02 08 7fffffffffffffff', 9_223_372_036_854_775_807n],
    ['02 01 ff', -1n],
  ])('reads the INTEGER %s', (hex, value) => {
    expect(readInteger(readBer(bytes(hex)))).toBe(value);
  });

  it.each([
    ['06 03 2a0304', '1.2.3.4'],
    ['06 09 608648016503040201', '2.16.840.1.101.3.4.2.1'],
    ['06 06 04008f670101', '0.4.0.2023.1.1'],
    ['06 03 883703', '2.999.3'],
  ])('reads the OBJECT IDENTIFIER %s', (hex, value) => {
    expect(readOid(readBer(bytes(hex)))).toBe(value);
  });

  it.each([
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a length that is not there', '3082'],
    ['less than its length', '3003 0201'],
    ['more than its length', '0201 00 00'],
    ['an indefinite length', '3080 020100 0000'],
    ['a length of nothing in two octets', '308100'],
    ['a tag above 30', '1f8101 00'],
    ['a length of five octets', '3085 0000000001 00'],
    ['a reserved length', '30ff'],
  ])('refuses %s', (_, hex) => {
    expect(() => readBer(bytes(hex))).toThrow();
  });

  it.each([
    ['an element that ends after the one that it is in', '3003 020200'],
    ['an element without its length', '3001 02'],
  ])('refuses %s when it is looked into', (_, hex) => {
    expect(() => readChildren(readBer(bytes(hex)))).toThrow('breaks off');
  });

  it('refuses OBJECT IDENTIFIERs that could be written in another way, break off or are empty', () => {
    for (const hex of ['06 03 2a8001', '06 02 2a81', '06 00']) expect(() => readOid(readBer(bytes(hex)))).toThrow();
    expect(() => readInteger(readBer(bytes('02 00')))).toThrow();
  });

  it('takes strings in one piece, and nothing else for one', () => {
    expect(readOctetString(readBer(bytes('0402 0102')))).toEqual(bytes('0102'));
    expect(() => readOctetString(readBer(bytes('2404 0402 0102')))).toThrow('in pieces');
    expect(() => readOctetString(readBer(bytes('0c01 41')))).toThrow('no OCTET STRING');
  });

  it('is written as DER: the shortest lengths there are, and sets in order', () => {
    expect(toDer(readBer(bytes('308108 020101 3081020500')))).toEqual(bytes('3007 020101 30020500'));
    expect(toDer(readBer(bytes('310c 0202 0102 0201 05 0403 010203')), true)).toEqual(bytes('310c 020105 02020102 0403010203'));
    expect(toTagged(0x04, Buffer.alloc(300)).subarray(0, 4)).toEqual(bytes('0482012c'));
    expect(toTagged(0x04, Buffer.alloc(128)).subarray(0, 3)).toEqual(bytes('048180'));
  });

  it('is not followed without end into elements in elements', () => {
    let nested: Buffer = bytes('0500');
    for (let depth = 0; depth < 40; depth += 1) nested = toTagged(0x30, nested);
    expect(() => toDer(readBer(nested))).toThrow('one in another');
  });

  it('has its fields taken one after the other', () => {
    const fields = () => new BerFields(readBer(bytes('3006 020101 040102')));
    expect(() => fields().end()).toThrow('not known');
    expect(() => fields().take(0x04)).toThrow('0x02 is where 0x04 belongs');
    const taken = fields();
    expect(taken.takeOptional(0x04)).toBeUndefined();
    taken.take(0x02);
    expect(taken.takeOptional(0x04)?.content).toEqual(bytes('02'));
    taken.end();
    expect(() => taken.takeAny()).toThrow('missing');
    expect(() => onlyChild(readBer(bytes('3006 020101 040102')))).toThrow('not one element');
    expect(() => new BerFields(readBer(bytes('3100')))).toThrow('0x31 is where 0x30 belongs');
  });
});
