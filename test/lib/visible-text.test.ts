import { describe, expect, it } from 'vitest';
import { toClipped, toVisibleLine, toVisibleLines } from '../../src/lib/visible-text.ts';

describe('visible text', () => {
  it('is one line on which nothing is hidden', () => {
    expect(toVisibleLine('a\r\n\tb\u0000\u001b[1m\u0085\u2028\u202e\u200b\u00ad\ufeff\ufe0f\u{e0041}\ud800')).toBe(
      'a\\r\\n\\tb\\u{0}\\u{1b}[1m\\u{85}\\u{2028}\\u{202e}\\u{200b}\\u{ad}\\u{feff}\\u{fe0f}\\u{e0041}\\u{d800}',
    );
  });

  it('leaves what can be seen as it is', () => {
    const text = 'Grüße 世界 😀 a\u0301 {}<>|`\\ \u00a0';
    expect(toVisibleLine(text)).toBe(text);
  });

  it('keeps line feeds where lines are meant', () => {
    expect(toVisibleLines('a\nb\r\nc')).toBe('a\nb\\r\nc');
  });

  it('is cut without cutting a letter', () => {
    expect([toClipped('abc', 3), toClipped('abcd', 3), toClipped('a😀b', 3), toClipped('abc', 0)]).toEqual(['abc', 'ab…', 'a…', '']);
  });
});
