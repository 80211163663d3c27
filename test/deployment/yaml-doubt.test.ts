import { describe, expect, it } from 'vitest';
import { findImages } from './found.ts';

/** A pod with more keys in its container and beside its specification. */
function pod(container: string, beside = ''): string {
  return `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n${beside}spec:\n  containers:\n  - name: a\n${container}`;
}

function find(text: string) {
  const { images, remarks } = findImages({ 'deploy.yaml': text });
  return {
    images: images.map(({ reference }) => reference),
    errors: remarks.map(({ level, line, reason }) => `${level} ${line} ${reason}`),
  };
}

// In each of these kubectl 1.32 runs the image `other`: seen by `kubectl annotate --local`.
describe('what kubectl reads in another way than the file shows is told of', () => {
  it.each([
    ['a key that is an alias', pod('    *k : other\n', 'x: &k image\n'), 8, /a key is an alias/],
    ['a key that is an alias, beside its like', pod('    image: good\n    *k : other\n', 'x: &k image\n'), 9, /a key is an alias/],
    ['a key in binary', pod('    !!binary aW1hZ2U=: other\n'), 7, /a key has a tag/],
    ['a key of any tag', pod('    !!str image: other\n'), 7, /a key has a tag/],
    [
      'a merge behind the same key',
      pod('    image: good\n    <<: *m\n', 'x: &m {image: other}\n'),
      9,
      /merges a map that has a key which stands above it/,
    ],
    [
      'a merge of a list behind the same key',
      pod('    image: good\n    <<: [{name: b}, *m]\n', 'x: &m {image: other}\n'),
      9,
      /merges a map/,
    ],
    ['a name in binary', 'apiVersion: v1\nkind: !!binary UG9k\nspec: {containers: [{image: other}]}\n', 2, /the tag .*binary/],
    ['a value with the tag of a merge', pod('    image: other\n').replace('v1', '!!merge v1'), 1, /the tag .*merge/],
    [
      'the same tag by another handle',
      `%TAG !y! tag:yaml.org,2002:\n---\n${pod('    image: !y!binary b3RoZXI=\n')}`,
      9,
      /the tag .*binary/,
    ],
    ['an anchor that ends at a colon', pod('    image: &a:other\n'), 7, /name of the anchor "a:other"/],
    ['a map and a list with such an anchor', pod('    image: other\n', 'x: &a:b {}\ny: [&c:d []]\n'), 5, /name of the anchor "c:d"/],
    ['a set', pod('    image: other\n', 'x: !!set {? a}\n'), 4, /the tag .*set/],
    ['an alias that ends at a colon', pod('    image: *a:b\n', 'x: &a:b other\n'), 4, /name of the anchor "a:b"/],
    ['a number and its like as text', pod('    image: other\n', 'x: {1: a, "1": b}\n'), 4, /"1" stands twice/],
    ['a line separator', pod('    args: [] # \u2028    image: other\n'), 7, /U\+2028/],
    ['a paragraph separator', pod('    args: [] # \u2029    image: other\n'), 7, /U\+2029/],
    ['a next line', pod('    args: [] # \u0085    image: other\n'), 7, /U\+0085/],
    ['a carriage return alone', pod('    args: [] # \r    image: other\n'), 7, /U\+000D/],
    ['a key that stands twice', pod('    image: good\n    image: other\n'), 8, /"image" stands twice/],
    ['quoted text for one that is not', pod('    image: good\n    "image": other\n'), 8, /"image" stands twice/],
    ['a merge in quotes', pod('    "<<": *m\n    image: other\n', 'x: &m {image: good}\n'), 8, /<< is in quotes/],
    [
      'a document behind its marker',
      'apiVersion: v1\nkind: ConfigMap\n---data:\n  kind: Pod\n  spec: {containers: [{image: other}]}\n',
      3,
      /behind ---/,
    ],
    [
      'a text that was a resource',
      `apiVersion: v1\nkind: ConfigMap\n--- |\n  ${pod('    image: other\n').replaceAll('\n', '\n  ')}\n`,
      3,
      /behind ---/,
    ],
    ['JSON behind a form feed', '\f\n{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"other"}]}}', 1, /U\+000C/],
  ])('%s', (_title, text, line, reason) => {
    const { errors } = find(text);
    expect(errors).toContainEqual(expect.stringMatching(new RegExp(`^error ${line} .*${reason.source}`)));
  });

  it.each([
    ['a tag of Compose', pod('    image: !reset other\n')],
    [
      'the items of another kind than List',
      'apiVersion: v1\nkind: ConfigMap\nitems:\n- kind: Pod\n  apiVersion: v1\n  spec: {containers: [{image: other}]}\n',
    ],
    ['a kind that only looks like one of Kubernetes', 'apiVersion: example.com/v1\nkind: Node\nspec: {containers: [{image: other}]}\n'],
    ['a resource without apiVersion', 'kind: Pod\nspec: {containers: [{image: other}]}\n'],
    ['a merge by a directive of YAML 1.1', `%YAML 1.1\n---\n${pod('    <<: *m\n', 'x: &m {image: other}\n')}`],
  ])('%s is seen through', (_title, text) => {
    expect(find(text)).toEqual({ images: ['other'], errors: [] });
  });

  it('leaves alone what is the same for all', () => {
    const text = pod(
      '    <<: [*m, {args: []}]\n    image: !!str own\n    "args": !!seq []\n',
      'x: &m {image: other, 1: 2}\ny: !Ref [!Sub a]\n',
    );
    expect(find(`--- # first\n${text}---\t\n${text.replaceAll('\n', '\r\n')}\r\n---\r\n`)).toEqual({ images: ['own', 'own'], errors: [] });
  });
});

describe('size', () => {
  it('holds 60,000 keys of a map against each other', () => {
    const keys = Array.from({ length: 60_000 }, (_, at) => `  k${at}: 1\n`).join('');
    expect(find(`${pod('    image: a\n')}data:\n${keys}  k7: 2\n`)).toEqual({
      images: ['a'],
      errors: [expect.stringMatching(/"k7" stands twice/)],
    });
  });

  it('gives up on merges that lead nowhere', () => {
    const merges = Array.from({ length: 3000 }, (_, at) => `x${at + 1}: &a${at + 1}\n  <<: *a${at}\n  k${at}: 1\n`).join('');
    expect(find(`${pod('    image: a\n', `x0: &a0 {a: 1}\n${merges}`)}`).errors).toContainEqual(
      expect.stringMatching(/merges more than can be followed/),
    );
  });
});
