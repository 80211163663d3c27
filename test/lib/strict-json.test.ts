import { expect, test } from 'vitest';
import { parseStrictJson, parseStrictList, StrictJsonError, type StrictJsonLimits } from '../../src/lib/strict-json.ts';

function parse(text: string, limits?: StrictJsonLimits) {
  return parseStrictJson(Buffer.from(text), limits);
}

test.each([
  '{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}',
  '{"config":"x","annotations":{"Name":"a","name":"b"}}',
  '{"config":{"Labels":{"Vendor":"a","vendor":"b"},"Env":["a=b","A=b"]}}',
  '["a",":","a:b"]',
  '{"a" \n\t : "\\"}{,:" , "b":"\\ud83d\\ude00 \\\\"}',
  '"text"',
  'null',
  '-1.5e3',
  '{}',
])('reads %s as JSON.parse does', (text) => {
  expect(parse(text)).toEqual(JSON.parse(text));
});

test.each<[string, string, number]>([
  ['{"a":1,"a":1}', 'the key "a" is there twice', 7],
  ['{"config":1,"Config":2}', 'the keys "config" and "Config" differ in case alone', 12],
  ['{"x":{"digest":1,"\\u0044igest":2}}', 'the keys "digest" and "Digest" differ in case alone', 17],
  ['{"a":1,"\\u0061":1}', 'the key "a" is there twice', 7],
  [`{"a":1${' '.repeat(10)},"a"${'\n'.repeat(1000)}:1}`, 'the key "a" is there twice', 17],
  ['{"mediaType":1,"\u{212A}":1,"k":2}', 'the keys "\u{212A}" and "k" differ in case alone', 23],
  ['{"size":1,"\u017fize":2}', 'the keys "size" and "\u017fize" differ in case alone', 10],
  ['{"annotations":{"a":"1","a":"2"}}', 'the key "a" is there twice', 24],
  ['{"annotations":{"x":{"a":1,"A":2}}}', 'the keys "a" and "A" differ in case alone', 27],
  ['{"annotations":1,"b":{"a":1,"A":2}}', 'the keys "a" and "A" differ in case alone', 28],
  ['{"annotations":[{"a":1,"A":2}]}', 'the keys "a" and "A" differ in case alone', 23],
  ['{"__proto__":{}}', 'the key "__proto__" is not accepted', 1],
  ['{"\\u005f_proto__":{}}', 'the key "__proto__" is not accepted', 1],
  ['[1e308, 1e309]', 'a number that is too large', 8],
  ['-1E+400', 'a number that is too large', 0],
  ['"\\ud83d"', 'half a surrogate pair', 0],
  ['["ä", "\\udc00\\ud800"]', 'half a surrogate pair', 7],
  ['\ufeff{}', 'not valid JSON', 0],
  ['{"ä":@}', 'not valid JSON', 6],
  ['{"a":1} {"a":1}', 'not valid JSON', 8],
  ['{"a":1,}', 'not valid JSON', 7],
  ['{"a":"b', 'a string does not end', 5],
  ['{"a":"\\x"}', 'a string is not valid', 5],
  ['', 'not valid JSON', 0],
  ['NaN', 'not valid JSON', 0],
  ['[1 2]', 'not valid JSON', 3],
  ['[1}', 'not valid JSON', 2],
  ['{"a":1]', 'not valid JSON', 6],
  ['[1,]', 'not valid JSON', 3],
  ['[,1]', 'not valid JSON', 1],
  ['{"a" 1}', 'not valid JSON', 5],
  ['{1:1}', 'not valid JSON', 1],
  ['{"a":[{}', 'not valid JSON', 8],
  ['[', 'not valid JSON', 1],
  [']', 'not valid JSON', 0],
  ['01', 'not valid JSON', 1],
  ['[-]', 'not valid JSON', 1],
  ['"a\nb"', 'a control character in a string', 2],
  ["'a'", 'not valid JSON', 0],
  ['\u00a01', 'not valid JSON', 0],
])('refuses %j', (text, reason, offset) => {
  expect(() => parse(text)).toThrow(new StrictJsonError(reason, offset));
});

test('accepts and refuses what JSON.parse does, whatever is changed in a text', () => {
  const text = '{"a":[1,-2.5e+3,"x\\u00e4\\n",{"b":null,"c":[]}],"d":{"e":true,"f":{}}}';
  for (let at = 0; at < text.length; at += 1) {
    for (const change of ['', '"', '{', ']', ',', ':', '0', '\\', ' ', '\n', 'e', '-']) {
      const changed = text.slice(0, at) + change + text.slice(at + 1);
      const reading = attempt(() => parse(changed));
      const expected = attempt(() => JSON.parse(changed));
      if (!/twice|differ/.test(reading.error)) expect(reading.value, changed).toEqual(expected.value);
    }
  }
});

function attempt(read: () => unknown): { value?: unknown; error: string } {
  try {
    return { value: read(), error: '' };
  } catch (error) {
    return { error: String(error) };
  }
}

test('names the byte that is not UTF-8', () => {
  expect(() => parseStrictJson(Buffer.from([0x22, 0xc3, 0xa4, 0xff, 0x22]))).toThrow(new StrictJsonError('bytes that are not UTF-8', 3));
});

test('ends at the limits, however deep or large the text is', () => {
  expect(parse('[[1]]', { maxDepth: 2 })).toEqual([[1]]);
  expect(() => parse('[[[1]]]', { maxDepth: 2 })).toThrow(new StrictJsonError('more than 2 levels', 2));
  expect(parse('{"a":[1,{}]}', { maxValues: 4 })).toEqual({ a: [1, {}] });
  expect(() => parse('{"a":[1,{}]}', { maxValues: 3 })).toThrow(new StrictJsonError('more than 3 values', 8));
  expect(() => parse('['.repeat(1_000_000))).toThrow(new StrictJsonError('more than 32 levels', 32));
  expect(() => parse('"aaaa"', { maxBytes: 5 })).toThrow(new StrictJsonError('more than 5 bytes of JSON', 5));
});

test('takes whole numbers alone where it is asked to', () => {
  expect(parse('{"a":-12,"b":true,"c":"1.5e3"}', { isIntegral: true })).toEqual({ a: -12, b: true, c: '1.5e3' });
  for (const number of ['1.0', '1e3', '12E-1', '-0.5'])
    expect(() => parse(`[${number}]`, { isIntegral: true })).toThrow(new StrictJsonError('a number with a fraction or an exponent', 1));
});

test('reads 100,000 keys', () => {
  const keys = Array.from({ length: 100_000 }, (_, index) => `"key${index}":"${'\\u00e4'.repeat(3)}"`).join(',');
  parse(`{${keys}}`);
});

test.each([
  '{"a":1,"list":[1,{"a":[2,{"list":[3]}]},"],[",[]],"b":{"list":[4]}}',
  ' { "list" : [ 1 , [ ] , { } , null ] } ',
  '{"list":[]}',
  '{"list":[ ],"b":[1]}',
  '{"list":{"list":[1]},"b":2}',
  '{"b":[1,2]}',
  '[1,{"list":[2]}]',
  '"list"',
])('gives the elements of the list of %s one by one', (text) => {
  const whole = JSON.parse(text);
  const elements: unknown[] = [];
  const rest = parseStrictList(Buffer.from(text), 'list', (element) => void elements.push(element));
  const isThere = Array.isArray(whole.list);
  expect(elements).toEqual(isThere ? whole.list : []);
  expect(rest).toEqual(isThere ? { ...whole, list: [] } : whole);
});

test.each<[string, string]>([
  ['{"list":[1,{"a":1,"a":2}]}', 'the key "a" is there twice'],
  ['{"list":[1],"list":[2]}', 'the key "list" is there twice'],
  ['{"list":[1],"List":[2]}', 'the keys "list" and "List" differ in case alone'],
  ['{"list":[1,]}', 'not valid JSON'],
  ['{"list":[1 2]}', 'not valid JSON'],
  ['{"list":[1', 'not valid JSON'],
  ['{"list":[1]}}', 'not valid JSON'],
  ['{"list":["\\x"]}', 'a string is not valid'],
])('a list is read as strictly: %s', (text, reason) => {
  expect(() => parseStrictList(Buffer.from(text), 'list', () => undefined)).toThrow(reason);
});
