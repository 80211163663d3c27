import { describe, expect, it } from 'vitest';
import { type AnchorPattern, makeAnchorScanner } from '../../../src/inspect/secrets/anchors.ts';

const patterns: readonly AnchorPattern[] = [
  ['A', 'KS', 'I'],
  ['_-tT', 'kK', 'eE'],
  ['E', ' ', 'K'],
];
/** The scanner may answer more than the patterns ask for, never less. */
const expected = /A[KS]I|[_\-tT][kK][eE]|E K/g;

function scan(content: Buffer): readonly number[] {
  const offsets: number[] = [];
  makeAnchorScanner(patterns).scan(content, (offset) => offsets.push(offset));
  return offsets;
}

function findAll(content: Buffer): readonly number[] {
  return [...content.toString('latin1').matchAll(expected)].map(({ index }) => index);
}

describe('anchor scanner', () => {
  it('finds an anchor at every place of a block, a slice and the content', () => {
    const sliceBytes = 4 * 65_536 - 64;
    for (const length of [3, 15, 16, 17, 33, sliceBytes - 1, sliceBytes, sliceBytes + 1, 2 * sliceBytes + 5]) {
      for (const at of new Set([0, 1, 13, 14, 15, 16, sliceBytes - 3, sliceBytes - 2, sliceBytes - 1, sliceBytes, length - 3])) {
        if (at < 0 || at + 3 > length) continue;
        const content = Buffer.alloc(length, '.');
        content.write('AKI', at, 'latin1');
        expect(scan(content)).toEqual([at]);
      }
    }
    expect(scan(Buffer.alloc(0))).toEqual([]);
    expect(scan(Buffer.from('AK'))).toEqual([]);
  });

  it('finds what a regular expression finds, in order, in text that is full of beginnings', () => {
    let seed = 7;
    const letters = 'AKSIE _-tTkKeE.';
    const content = Buffer.from(
      Array.from({ length: 600_000 }, () => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        return letters.charCodeAt((seed >>> 16) % letters.length);
      }),
    );
    const found = scan(content);
    expect([...found].sort((a, b) => a - b)).toEqual(found);
    expect(new Set(found).size).toBe(found.length);
    const all = new Set(found);
    expect(findAll(content).filter((offset) => !all.has(offset))).toEqual([]);
    expect(found.length).toBeGreaterThan(5000);
  });

  it('counts lines', () => {
    const scanner = makeAnchorScanner(patterns);
    for (const text of ['', '\n', 'a\nb\nc', 'x'.repeat(100), 'line\n'.repeat(200_000)]) {
      expect(scanner.countLines(Buffer.from(text))).toBe(text.split('\n').length - 1);
    }
  });

  it('takes eight patterns at the most', () => {
    expect(() => makeAnchorScanner(Array.from({ length: 9 }, () => ['a', 'b', 'c'] as const))).toThrow(RangeError);
  });
});
