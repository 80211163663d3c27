import { describe, expect, it } from 'vitest';
import { redact } from '../../src/lib/redaction.ts';

const secret = `p@ss/w0rd+%41=~!*'()#?[]&"<é>`;
const bytes = Buffer.from(secret);
const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

describe('a text that quotes a server', () => {
  it.each([
    ['hexadecimal', bytes.toString('hex')],
    ['upper-case hexadecimal', bytes.toString('hex').toUpperCase()],
    ['HTML', html],
    ['HTML with apostrophes', html.replaceAll("'", '&#39;')],
    ['JSON in JSON', JSON.stringify(JSON.stringify(secret)).slice(3, -3)],
  ])('is without the secret in %s', (_, form) => {
    expect(redact(`no: ${form} is wrong`, [secret])).toBe('no: *** is wrong');
  });

  it('is without a part of it, wherever it was cut', () => {
    for (const form of [secret, encodeURIComponent(secret), bytes.toString('base64')]) {
      for (let at = 0; at + 12 <= form.length; at += 1) {
        expect(redact(`no: ${form.slice(at)}`, [secret])).toBe('no: ***');
        expect(redact(`no: ${form.slice(0, form.length - at)}…`, [secret])).toBe('no: ***…');
      }
    }
  });

  it('has all else', () => {
    const text = 'The user ci-of-the-shop may not push to team/app (p@ss).';
    expect(redact(text, [secret, 'a-token-of-some-length'])).toBe(text);
    expect(redact('', [secret])).toBe('');
  });
});
