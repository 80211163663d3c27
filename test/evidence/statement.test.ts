import { describe, expect, test } from 'vitest';
import { maxStatementBytes, parseStatement, toStatementBytes } from '../../src/evidence/statement.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;
const written = (predicate: object | Uint8Array) => toStatementBytes({ name: 'shop', digest }, 'https://example.com/type', predicate);
const statement = JSON.parse(written({ found: [1, null] }).toString());

function refused(text: string | Uint8Array) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  try {
    parseStatement(bytes);
  } catch (error) {
    return error;
  }
  return undefined;
}
const withField = (name: string, value: unknown) => JSON.stringify({ ...statement, [name]: value });

describe('a statement', () => {
  test('is read as it was written', () => {
    expect(parseStatement(written({ found: [1, null] }))).toStrictEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'shop', digest: { sha256: 'a'.repeat(64) } }],
      predicateType: 'https://example.com/type',
      predicate: { found: [1, null] },
    });
  });

  test('takes over a predicate that is written already, to the byte', () => {
    expect(written(Buffer.from(JSON.stringify({ found: [1, null] })))).toEqual(written({ found: [1, null] }));
    expect(written(Buffer.from('{"a" : 1}')).toString()).toContain('"predicate":{"a" : 1}}');
  });

  test('of cosign 2 is one as well', () => {
    expect(parseStatement(Buffer.from(withField('_type', 'https://in-toto.io/Statement/v0.1'))).predicate).toEqual({ found: [1, null] });
  });

  test('without a predicate has an empty one', () => {
    for (const nothing of [undefined, null]) expect(parseStatement(Buffer.from(withField('predicate', nothing))).predicate).toEqual({});
  });

  test('has half a surrogate pair in no text', () => {
    const bytes = written({ title: 'a\ud800b' });
    expect(parseStatement(bytes).predicate).toEqual({ title: 'a\ufffdb' });
  });

  test.each([
    ['no JSON', '{', 'no JSON that reads in one way'],
    ['a key twice', `${JSON.stringify(statement).slice(0, -1)},"predicate":{}}`, 'twice'],
    ['a key in two cases', `${JSON.stringify(statement).slice(0, -1)},"PREDICATE":{}}`, 'case alone'],
    ['too many bytes', Buffer.alloc(maxStatementBytes + 1, 0x20), 'bytes of JSON'],
    ['a list', '[]', '_type'],
    ['another type', withField('_type', 'https://in-toto.io/Statement/v2'), '_type'],
    ['no subject', withField('subject', []), 'subject'],
    ['a subject without a digest', withField('subject', [{ name: 'shop' }]), 'subject.0.digest'],
    ['too many subjects', withField('subject', Array(1025).fill(statement.subject[0])), 'subject'],
    ['no predicate type', withField('predicateType', ''), 'predicateType'],
    ['a predicate that is a list', withField('predicate', []), 'predicate'],
    ['a predicate that is text', withField('predicate', 'text'), 'predicate'],
    ['a field that nobody knows', withField('more', true), 'more'],
    ['a number that is no number to other readers', JSON.stringify(statement).replace('null', '1e400'), 'too large'],
  ])('with %s is refused', (_name, text, reason) => {
    expect(refused(text)).toMatchObject({ code: 'evidence-unreadable', message: expect.stringContaining(reason) });
  });
});
