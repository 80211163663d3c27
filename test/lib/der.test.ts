import { expect, test } from 'vitest';
import { readBer } from '../../src/lib/ber.ts';
import { readDer, readDerBits, readDerBoolean, readDerInteger } from '../../src/lib/der.ts';

const element = (hex: string) => readBer(Buffer.from(hex, 'hex'));

test('lengths are as short as can be, at every level', () => {
  expect(readDer(Buffer.from('3003020101', 'hex')).content.toString('hex')).toBe('020101');
  for (const hex of ['308103020101', '300402810101']) expect(() => readDer(Buffer.from(hex, 'hex'))).toThrow('not in DER');
});

test('numbers have no octets that could be left out', () => {
  expect(['020100', '02020080', '0201ff', '0202ff7f'].map((hex) => readDerInteger(element(hex)))).toEqual([0n, 128n, -1n, -129n]);
  for (const hex of ['02020001', '0202ff80']) expect(() => readDerInteger(element(hex))).toThrow('longer');
});

test('truth is 0 or 255', () => {
  expect(['010100', '0101ff'].map((hex) => readDerBoolean(element(hex)))).toEqual([false, true]);
  for (const hex of ['010101', '0102ffff', '0100']) expect(() => readDerBoolean(element(hex))).toThrow('neither');
});

test('bits that do not count are zero', () => {
  expect(readDerBits(element('03020780')).toString('hex')).toBe('80');
  expect(readDerBits(element('030100'))).toHaveLength(0);
  for (const hex of ['0300', '030101', '03020800', '030207ff']) expect(() => readDerBits(element(hex))).toThrow('not in DER');
});
