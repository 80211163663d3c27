import { expect, test } from 'vitest';
import { readInTotoStatement } from '../../src/lib/in-toto-statement.ts';

const subject = { digest: { sha256: 'ab'.repeat(32) } };
const statement = { _type: 'https://in-toto.io/Statement/v1', subject: [subject], predicateType: 'https://example.com/t', predicate: {} };
const read = (changes: object) => readInTotoStatement(Buffer.from(JSON.stringify({ ...statement, ...changes })), 100_000);

test('every field of a subject that in-toto has is read, and null is nothing', () => {
  const full = { ...subject, name: 'app', uri: 'pkg:oci/app', mediaType: 'a/b', downloadLocation: 'https://example.com', content: 'aGk=' };
  expect(read({ subject: [{ ...full, annotations: { Path: 1, PATH: 2 } }] }).subject).toMatchObject([
    { name: 'app', digest: subject.digest, annotations: { Path: 1, PATH: 2 } },
  ]);
  const { subject: subjects, predicate } = read({
    subject: [{ ...subject, name: null, annotations: null, content: null }],
    predicate: null,
  });
  expect([subjects[0]?.annotations, predicate]).toEqual([{}, {}]);
});

test('a predicate is an object or text', () => {
  expect(read({ predicate: 'found nothing' }).predicate).toBe('found nothing');
  expect(read({ predicate: { Path: 1, PATH: 2 } }).predicate).toEqual({ Path: 1, PATH: 2 });
});

test.each([
  ['another type', { _type: 'https://in-toto.io/Statement/v2' }, /_type/],
  ['a field that nobody knows', { note: 1 }, /note/],
  ['a subject with such a field', { subject: [{ ...subject, note: 1 }] }, /subject\.0\.note/],
  ['a subject with content that is no base64', { subject: [{ ...subject, content: '!' }] }, /content/],
  ['a subject with a list for annotations', { subject: [{ ...subject, annotations: [] }] }, /annotations/],
  ['a subject without a digest', { subject: [{ name: 'app' }] }, /digest/],
  ['null for a subject', { subject: [null] }, /subject\.0/],
  ['no subject', { subject: [] }, /subject/],
  ['1,025 subjects', { subject: Array(1025).fill({ digest: {} }) }, /subject/],
  ['a list for a predicate', { predicate: [] }, /predicate/],
  ['a number for a predicate', { predicate: 1 }, /predicate/],
  ['no predicate type', { predicateType: undefined }, /predicateType/],
  ['too many bytes', { predicate: 'x'.repeat(100_000) }, /more than 100000 bytes/],
])('%s is refused', (_, changes, reason) => {
  expect(() => read(changes)).toThrow(reason);
});
