import { describe, expect, it } from 'vitest';
import { redact } from '../../src/lib/redaction.ts';
import { isMaskable, shortestMask, toSecretForms } from '../../src/lib/secret-forms.ts';

const secrets = {
  password: 'hunter2 with ünïcode & "quotes" <b>',
  symbols: "p@ss/w0rd+%41=~!*'()#?[]",
  token: 'ghp_0123456789abcdefghijklmnopqrstuvwxyzAB',
  short: 'a+/b',
  key: `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj/+aBcD'.repeat(8).replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
  json: '{\n  "type": "service_account",\n  "private_key": "line\\none",\n  "x": "é"\n}\n',
};
const cases = Object.entries(secrets);

/** What a runner shows of a text: its lines, with what is masked taken out. */
function show(text: string, secret: string): string {
  const forms = toSecretForms(secret);
  return text
    .split(/\r?\n/)
    .map((line) => forms.reduce((masked, form) => masked.replaceAll(form, '***'), line))
    .join('\n');
}

/** Whether a run of 4 of `encoded`'s characters is seen in what is shown. */
function leaks(encoded: string, shown: string): boolean {
  const rest = shown.replaceAll('***', '\n');
  return rest.split('\n').some((part) => part.length >= 4 && encoded.includes(part));
}

describe.each(cases)('a secret (%s)', (_, secret) => {
  const lines = secret.split('\n').filter((line) => line.trim().length >= shortestMask);

  it('is not seen whole, nor any line of it', () => {
    for (const line of [secret, ...lines, ...lines.map((text) => `before ${text} after`)]) {
      const shown = show(line, secret);
      for (const hidden of lines) expect(shown).not.toContain(hidden.trim());
    }
  });

  it.each([0, 1, 2, 3, 4, 5])('is not seen in base64, %i bytes after its beginning', (before) => {
    for (const text of [secret, ...lines]) {
      for (const after of ['', '\n', 'x', 'xy', 'xyz']) {
        const bytes = Buffer.from(`${'u'.repeat(before)}${text}${after}`);
        for (const encoding of ['base64', 'base64url'] as const) {
          const encoded = bytes.toString(encoding);
          const shown = show(encoded, secret);
          expect(shown).toContain('***');
          // One character on each side shares its bits with what stands beside the secret.
          expect(shown.replaceAll('***', '').length).toBeLessThanOrEqual(Math.ceil(((before + after.length + 2) * 8) / 6) + 4);
        }
      }
    }
  });

  it.each([76, 64])('is not seen in base64 that is wrapped at %i', (width) => {
    for (const text of [secret, `${secret}\n`]) {
      const encoded = Buffer.from(text).toString('base64');
      expect(leaks(encoded.slice(0, -8), show(encoded.replace(new RegExp(`.{${width}}`, 'g'), '$&\n'), secret))).toBe(false);
    }
  });

  it('is not seen in a URL, a form or JSON', () => {
    const one = secret.replace(/\s+$/, '');
    const rfc3986 = encodeURIComponent(one).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
    const lower = (text: string) => text.replace(/%[0-9A-F]{2}/g, (escaped) => escaped.toLowerCase());
    const form = new URLSearchParams({ a: one }).toString().slice(2);
    const json = JSON.stringify(one).slice(1, -1);
    const ascii = json.replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const go = json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
    const path = rfc3986.replaceAll('%2F', '/');
    for (const encoded of [encodeURIComponent(one), encodeURI(one), rfc3986, lower(rfc3986), form, lower(form), json, ascii, go, path]) {
      expect(show(`x=${encoded}&y`, secret), encoded).toBe('x=***&y');
    }
  });

  it('is in no text that quotes it in any form', () => {
    for (const form of toSecretForms(secret)) expect(redact(`a ${form} b`, [secret])).not.toContain(form);
  });
});

describe('what is masked', () => {
  it('has no end of a line in it, is not shorter than four characters, and comes longest first', () => {
    for (const [, secret] of cases) {
      const forms = toSecretForms(secret);
      expect(forms.filter((form) => /[\r\n]/.test(form) || form.trim().length < shortestMask)).toEqual([]);
      expect(forms.map((form) => form.length)).toEqual(forms.map((form) => form.length).sort((a, b) => b - a));
      expect(new Set(forms).size).toBe(forms.length);
    }
  });

  it('leaves out lines and secrets that are too short', () => {
    expect(toSecretForms('abc')).toEqual([]);
    expect(toSecretForms('')).toEqual([]);
    expect(toSecretForms('long enough\n}\nab\n').filter((form) => ['}', 'ab'].includes(form))).toEqual([]);
    expect([isMaskable('abc'), isMaskable(' ab \n}\n'), isMaskable('abcd'), isMaskable('a\nabcd')]).toEqual([false, false, true, true]);
    expect(redact('the abc of it', ['abc', ''])).toBe('the *** of it');
  });
});
