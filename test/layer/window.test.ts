import { describe, expect, it } from 'vitest';
import { windowOverlapBytes } from '../../src/layer/inspector.ts';
import { Windows } from '../../src/layer/window.ts';

interface Window {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly last: boolean;
}

function windowsOf(content: Buffer, sizes: readonly number[]): Window[] {
  const taken: Window[] = [];
  const windows = new Windows((window, offset, last) => taken.push({ bytes: Buffer.from(window), offset, last }));
  let at = 0;
  for (const size of sizes) {
    windows.write(content.subarray(at, at + size), at + size === content.length);
    at += size;
  }
  expect(at).toBe(content.length);
  return taken;
}

/** Holds windows against the contract of LayerInspection.window. */
function verifyWindows(content: Buffer, taken: readonly Window[]): void {
  let end = 0;
  taken.forEach(({ bytes, offset, last }, at) => {
    expect(last).toBe(at === taken.length - 1);
    expect(offset).toBe(at === 0 ? 0 : end - windowOverlapBytes);
    expect(bytes.equals(content.subarray(offset, offset + bytes.length))).toBe(true);
    if (!last) expect(bytes.length).toBeGreaterThan(windowOverlapBytes);
    expect(at === 0 || offset > 0).toBe(true);
    end = offset + bytes.length;
  });
  expect(end).toBe(content.length);
}

describe('Windows', () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) >> 5));

  it('overlaps by the stated bytes however the parts fall', () => {
    let state = 1;
    const random = (limit: number) => {
      state = (state * 48271) % 2147483647;
      return state % limit;
    };
    for (let round = 0; round < 200; round++) {
      const sizes: number[] = [];
      const largest = [10, 5000, 9000, 40_000, 200_000][round % 5] as number;
      const length = random(Math.min(content.length, 2000 * largest)) + 1;
      for (let left = length; left > 0; left -= sizes.at(-1) as number) sizes.push(Math.min(left, 1 + random(largest)));
      verifyWindows(content.subarray(0, length), windowsOf(content.subarray(0, length), sizes));
    }
  });

  it('hands a single part over without copying', () => {
    let same = false;
    new Windows((window) => {
      same = window === content;
    }).write(content, true);
    expect(same).toBe(true);
  });

  it('copies only where parts meet', () => {
    const shared: boolean[] = [];
    const windows = new Windows((window) => shared.push(window.buffer === content.buffer));
    windows.write(content.subarray(0, 100_000), false);
    windows.write(content.subarray(100_000), true);
    expect(shared).toEqual([true, false, true]);
  });

  it('gives one empty last window for an empty file', () => {
    expect(windowsOf(Buffer.alloc(0), [0])).toEqual([{ bytes: Buffer.alloc(0), offset: 0, last: true }]);
  });
});
