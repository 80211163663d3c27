import { describe, expect, it } from 'vitest';
import { interpolate } from '../../src/deployment/compose-variable.ts';
import { findImages } from './found.ts';

const variables = new Map([
  ['TAG', '1.2'],
  ['EMPTY', ''],
  ['HOST', 'registry.example.com'],
]);

function find(files: Readonly<Record<string, string>>, extended: Readonly<Record<string, string>> = {}) {
  return findImages(files, { variables }, extended);
}

describe('Compose', () => {
  it('finds the images of services, and leaves out those that are only built', () => {
    const found = find({
      'compose.yaml': `x-base: &base
  image: base:1
services:
  web: {image: "web:\${TAG}"}
  both: {build: ., image: both:1}
  built: {build: {context: .}}
  always: {build: ., image: always:1, pull_policy: build}
  merged:
    <<: *base
    ports: []
  mounted:
    image: m:1
    volumes:
      - ./a:/b
      - {type: image, source: data:1, target: /data}
  reset: {image: !reset null}
`,
    });
    expect(found.images.map(({ reference, user }) => [reference, user])).toEqual([
      ['base:1', 'service merged'],
      ['web:1.2', 'service web'],
      ['both:1', 'service both'],
      ['m:1', 'service mounted'],
      ['data:1', 'volume of service mounted'],
    ]);
    expect(found.remarks.map(({ level, line, reason }) => [level, line, reason])).toEqual([
      ['notice', 6, 'service built is built where it runs: it has no image of a registry'],
      ['notice', 7, 'service always is built where it runs: it has no image of a registry'],
      ['notice', 16, 'service reset names no image in this file'],
    ]);
    expect(found.images[1]?.pin).toEqual({ kind: 'none', reason: 'its text has variables' });
    expect(found.images[3]?.pin).toMatchObject({ kind: 'insertion' });
  });

  it('follows extends in the file and into others, and asks for those', () => {
    const files = {
      'app/compose.yaml': `services:
  base: {image: base:1}
  child: {extends: base}
  far: {extends: {file: ../common/services.yml, service: job}}
  own: {image: own:1, extends: {file: ../common/services.yml, service: job}}
  circle: {extends: {service: circle}}
  lost: {extends: nobody}
include:
  - more.yaml
  - path: [a.yaml, ./b.yaml]
  - oci://registry.example.com/project
`,
    };
    const first = find(files);
    expect(first.needed).toMatchObject([
      { path: 'app/more.yaml', as: 'included', by: 'app/compose.yaml', folder: 'app' },
      { path: 'app/a.yaml', as: 'included', by: 'app/compose.yaml', folder: 'app' },
      { path: 'app/b.yaml', as: 'included', by: 'app/compose.yaml', folder: 'app' },
      { path: 'common/services.yml', as: 'extended', by: 'app/compose.yaml' },
      { path: 'common/services.yml', as: 'extended', by: 'app/compose.yaml' },
    ]);
    expect(first.remarks.filter(({ level }) => level === 'error').map(({ line }) => line)).toEqual([11, 6]);
    const second = find(
      { ...files, 'app/more.yaml': 'services: {}', 'app/a.yaml': '', 'app/b.yaml': 'services: {b: {image: b:1}}' },
      { 'common/services.yml': 'services:\n  other: {image: other:1}\n  job:\n    image: job:1\n' },
    );
    expect(second.needed.filter(({ as }) => as === 'extended')).toEqual([]);
    expect(second.images.map(({ reference, file, line }) => [reference, file, line])).toEqual([
      ['base:1', 'app/compose.yaml', 2],
      ['own:1', 'app/compose.yaml', 5],
      ['job:1', 'common/services.yml', 4],
      ['b:1', 'app/b.yaml', 1],
    ]);
  });

  it('takes no workflow for a Compose file', () => {
    const workflow = 'on: push\njobs: {build: {runs-on: ubuntu-latest, steps: []}}\n';
    expect(find({ '.github/workflows/ci.yml': workflow, '.gitlab-ci.yml': 'include: [a.yml]\n' })).toEqual({
      images: [],
      remarks: [],
      needed: [],
    });
    expect(find({ 'compose.prod.yaml': 'jobs: {a: {image: a}}\n' }).images).toMatchObject([{ reference: 'a', user: 'job a' }]);
  });

  it('does not guess at a variable without value', () => {
    const found = find({ 'compose.yml': 'services:\n  a: {image: "app:${NOBODY}"}\n  b: {image: "${HOST:?}/app:${NOBODY:-${TAG}}"}\n' });
    expect(found.images.map(({ reference }) => reference)).toEqual(['registry.example.com/app:1.2']);
    expect(found.remarks).toMatchObject([{ level: 'error', line: 2, column: 14, reason: expect.stringContaining('NOBODY has no value') }]);
  });
});

describe('variables', () => {
  it.each([
    ['$TAG', '1.2'],
    ['${TAG}', '1.2'],
    ['a$$b', 'a$b'],
    ['$$TAG', '$TAG'],
    ['a$', 'a$'],
    ['a$-1$/', 'a$-1$/'],
    ['${EMPTY}', ''],
    ['${EMPTY-x}', ''],
    ['${EMPTY:-x}', 'x'],
    ['${NONE-x}', 'x'],
    ['${NONE:-${NONE-${TAG}}}', '1.2'],
    ['${NONE:-a:b/c@d}', 'a:b/c@d'],
    ['${TAG:+yes}', 'yes'],
    ['${EMPTY:+yes}', ''],
    ['${EMPTY+yes}', 'yes'],
    ['${NONE+yes}', ''],
    ['${TAG:?no}', '1.2'],
    ['${TAG}-${TAG}', '1.2-1.2'],
  ])('fills in %s', (text, expected) => {
    expect(interpolate(text, variables)).toMatchObject({ kind: 'text', text: expected });
  });

  it.each(['$NONE', '${NONE}', '${NONE:?no}', '${EMPTY:?no}', '${', '${}', '${TAG', '${TAG!x}', '${a:-'.repeat(40) + '}'.repeat(40)])(
    'gives up on %s',
    (text) => {
      expect(interpolate(text, variables).kind).toBe('missing');
    },
  );
});
