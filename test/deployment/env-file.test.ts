import { describe, expect, it } from 'vitest';
import { parseEnvFile } from '../../src/deployment/env-file.ts';

const given = new Map([['OUTER', 'o']]);

function read(text: string): unknown {
  const parsed = parseEnvFile(text, given);
  return parsed.kind === 'broken' ? parsed : Object.fromEntries(parsed.variables);
}

describe('.env files are read as Compose reads them', () => {
  it.each<[string, Record<string, string>]>([
    ['# comment\n\n  A=1\n  # another\n', { A: '1' }],
    ['\uFEFFA=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['A=1\nA=2\n', { A: '2' }],
    ['export B = two words   # comment\n', { B: 'two words' }],
    ['G=x#y\nH: colon\nI=\nJ= # \n', { G: 'x#y', H: 'colon', I: '', J: '# '.trim() }],
    ['A=1\nE=${A}-${OUTER}-${NOBODY}-$$-$\n', { A: '1', E: '1-o--$-$' }],
    ["A='single ${A} \\n'\n", { A: 'single ${A} \\n' }],
    ['A="quoted # \\"text\\" ${OUTER} \\$x \\t|\\0101|\\061|\\x"\n', { A: 'quoted # "text" o $x \t|A|\\61|\\x' }],
    ['A="two\nlines"\nB=1\n', { A: 'two\nlines', B: '1' }],
    ["A='two\nlines' \nB=1", { A: 'two\nlines', B: '1' }],
    ['OUTER\nF\nA=1\nA\n', { OUTER: 'o', A: '1' }],
    ['A=1\nF', { A: '1' }],
    ['=1\nA=1\n', { '': '1', A: '1' }],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ['A=1\n!B=2\n', 2],
    ['A="1\n', 1],
    ["A=1\nB='\n\n", 2],
    ['A=${\n', 1],
    ['A=${B:?no}\n', 1],
    ['A B=1\n', 1],
  ])('%j is refused, as it is by Compose', (text, line) => {
    expect(read(text)).toMatchObject({ kind: 'broken', line });
  });
});
