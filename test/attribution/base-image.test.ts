import { describe, expect, it } from 'vitest';
import { type BaseRequest, findBaseImage } from '../../src/attribution/base-image.ts';
import type { HistoryEntry } from '../../src/model/image.ts';

/** `-` before an entry: it made no layer; what is behind `#!` is its comment. */
function toHistory(lines: readonly string[]): HistoryEntry[] {
  return lines.map((line) => {
    const [createdBy = '', comment] = line.replace(/^- /, '').split(' #! ');
    return { createdBy, emptyLayer: line.startsWith('- '), ...(comment === undefined ? {} : { comment }) };
  });
}

function find(lines: readonly string[], given: Partial<BaseRequest> = {}) {
  const history = toHistory(lines);
  const layers = history.filter(({ emptyLayer }) => !emptyLayer).length;
  return findBaseImage({ history, layers, annotations: {}, dockerfile: undefined, ...given });
}

const nodeBase = ["# debian.sh --arch 'amd64' out/ 'bookworm'", 'RUN /bin/sh -c apt-get install -y node # buildkit', '- CMD ["node"]'];
const appSteps = [
  'WORKDIR /app',
  'COPY package.json /app/ # buildkit',
  'RUN /bin/sh -c npm ci # buildkit',
  'COPY . /app # buildkit',
  '- CMD ["node" "."]',
];
const dockerfile = 'FROM node:22\nWORKDIR /app\nCOPY package.json /app/\nRUN npm ci\nCOPY . /app\nCMD ["node", "."]\n';

describe('with the Dockerfile', () => {
  it('the layers before its first step are those of the image that FROM names', () => {
    const base = { name: 'node:22', digest: undefined, layers: [true, true, false, false, false, false] };
    expect(find([...nodeBase, ...appSteps], { dockerfile })).toEqual(base);
  });

  it('of several stages the one that was built counts, and the stages that it rests on are no base', () => {
    const staged = `FROM golang:1.26 AS build\nRUN go build\nFROM node:22 AS common\nWORKDIR /app\nCOPY package.json /app/\nFROM common\n${dockerfile.split('\n').slice(3).join('\n')}`;
    expect(find([...nodeBase, ...appSteps], { dockerfile: staged }).layers).toEqual([true, true, false, false, false, false]);
  });

  it('as many layers as its first steps would have made are left open where these are not found', () => {
    const edited = dockerfile.replace('WORKDIR /app\n', 'RUN make -C /src tools\n');
    expect(find([...nodeBase, ...appSteps], { dockerfile: edited }).layers).toEqual([true, true, undefined, false, false, false]);
  });

  it.each([
    ['another image', 'FROM alpine\nRUN make\nCOPY a /b\nRUN install x\n'],
    ['no step, which fits every image', 'FROM node:22\n'],
    ['no FROM', 'RUN npm ci\n'],
  ])('one of %s tells nothing', (_what, text) => {
    expect(find([...nodeBase, ...appSteps], { dockerfile: text }).layers).toEqual(new Array(6).fill(undefined));
  });

  it('nothing is the base of what is built from scratch', () => {
    expect(find(['COPY app /app # buildkit', '- CMD ["/app"]'], { dockerfile: 'FROM scratch\nCOPY app /app\nCMD ["/app"]\n' })).toEqual({
      name: undefined,
      digest: undefined,
      layers: [false],
    });
  });

  it('a variable is no name', () => {
    expect(find([...nodeBase, ...appSteps], { dockerfile: dockerfile.replace('node:22', '$BASE') }).name).toBeUndefined();
    const withDefault = `ARG BASE=node:20\n${dockerfile.replace('node:22', '$BASE')}`;
    expect(find([...nodeBase, ...appSteps], { dockerfile: withDefault }).name).toBe('node:20');
  });
});

/** As buildah 1.28 writes it for alpine:3.14, two COPYs and an ENV. */
const alpine = [
  '/bin/sh -c #(nop) ADD file:a41bb436701fd0adf99a3157d19f172b3e54ea033f5c617009e2d1bdeac206d7 in / ',
  '- /bin/sh -c #(nop)  CMD ["/bin/sh"]',
];
const annotations = {
  'org.opencontainers.image.base.name': 'localhost/alpine:3.14',
  'org.opencontainers.image.base.digest': `sha256:${'e7'.repeat(32)}`,
};

describe('with the notes of buildah', () => {
  it('one layer of all steps', () => {
    const steps = [
      '- /bin/sh -c #(nop) COPY file:61 in /f ',
      '- /bin/sh -c #(nop) ENV A=b',
      '/bin/sh -c #(nop) CMD ["/f"] #! FROM localhost/alpine:3.14',
    ];
    expect(find([...alpine, ...steps], { annotations })).toEqual({
      name: 'localhost/alpine:3.14',
      digest: `sha256:${'e7'.repeat(32)}`,
      layers: [true, false],
    });
  });

  it('a layer for each step', () => {
    const steps = [
      '/bin/sh -c #(nop) COPY file:61 in /f  #! FROM localhost/alpine:3.14',
      '- /bin/sh -c #(nop) ENV A=b #! FROM f32bd74f81dd',
      '/bin/sh -c #(nop) COPY file:f4 in /g  #! FROM cae4bbc4920d',
    ];
    expect(find([...alpine, ...steps], { annotations }).layers).toEqual([true, false, false]);
  });

  it('a base that buildah has built, too, is one base', () => {
    const middle = '/bin/sh -c #(nop) COPY file:61 in /f  #! FROM localhost/alpine:3.14';
    const own = '/bin/sh -c #(nop) COPY file:62 in /g  #! FROM localhost/middle:1';
    const named = { ...annotations, 'org.opencontainers.image.base.name': 'localhost/middle:1' };
    expect(find([...alpine, middle, own], { annotations: named }).layers).toEqual([true, true, false]);
  });

  it('without the annotation, which an image built on this one does not have, they tell nothing', () => {
    const middle = '/bin/sh -c #(nop) COPY file:61 in /f  #! FROM localhost/alpine:3.14';
    expect(find([...alpine, middle, 'COPY a /b # buildkit']).layers).toEqual([undefined, undefined, undefined]);
  });
});

it('an annotation names the base also where nobody knows where it ends', () => {
  expect(find([...nodeBase, ...appSteps], { annotations })).toMatchObject({
    name: 'localhost/alpine:3.14',
    digest: `sha256:${'e7'.repeat(32)}`,
    layers: new Array(6).fill(undefined),
  });
});

it('what is no name and no digest is not taken for one', () => {
  const hostile = {
    'org.opencontainers.image.base.name': 'a\n##[error]',
    'org.opencontainers.image.base.digest': 'sha256:../../x',
  };
  expect(find(alpine, { annotations: hostile })).toMatchObject({ name: undefined, digest: undefined });
  expect(find(alpine, { annotations: { 'org.opencontainers.image.base.name': 'a'.repeat(456) } }).name).toBeUndefined();
});

it('a history that does not fit the layers tells of none', () => {
  expect(find([...nodeBase, ...appSteps], { dockerfile, layers: 3 }).layers).toEqual([undefined, undefined, undefined]);
});
