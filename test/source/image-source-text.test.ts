import { describe, expect, it } from 'vitest';
import { StepError } from '../../src/lib/step-error.ts';
import { parseImageSource } from '../../src/source/image-source-text.ts';

describe('parseImageSource', () => {
  it.each([
    ['app', { kind: 'docker-daemon', image: 'app' }],
    ['app:ci', { kind: 'docker-daemon', image: 'app:ci' }],
    ['docker-daemon:app:ci', { kind: 'docker-daemon', image: 'app:ci' }],
    ['docker-daemon:registry:2', { kind: 'docker-daemon', image: 'registry:2' }],
    ['localhost:5000/a/b:1', { kind: 'docker-daemon', image: 'localhost:5000/a/b:1' }],
    [`app@sha256:${'a'.repeat(64)}`, { kind: 'docker-daemon', image: `app@sha256:${'a'.repeat(64)}` }],
    ['sha256:23589139057d', { kind: 'docker-daemon', image: 'sha256:23589139057d' }],
    ['23589139057d', { kind: 'docker-daemon', image: '23589139057d' }],
    ['  app:ci ', { kind: 'docker-daemon', image: 'app:ci' }],
    ['docker-archive:out/app.tar', { kind: 'docker-archive', location: 'out/app.tar' }],
    ['docker-archive:/a b/c:d.tar:app:ci', { kind: 'docker-archive', location: '/a b/c:d.tar:app:ci' }],
    ['oci-archive:app.tar:ci', { kind: 'oci-archive', location: 'app.tar:ci' }],
    ['oci:layout', { kind: 'oci', location: 'layout' }],
    ['registry:alpine', { kind: 'registry', reference: { registry: 'docker.io', repository: 'library/alpine' } }],
    [
      'registry:shop.azurecr.io/team/app:1.0',
      { kind: 'registry', reference: { registry: 'shop.azurecr.io', repository: 'team/app', tag: '1.0' } },
    ],
    [
      `registry:localhost:5000/app:1@sha256:${'a'.repeat(64)}`,
      { kind: 'registry', reference: { registry: 'localhost:5000', repository: 'app', tag: '1', digest: `sha256:${'a'.repeat(64)}` } },
    ],
  ])('reads %s', (text, expected) => {
    expect(parseImageSource(text)).toEqual({ ...expected, text: text.trim() });
  });

  it.each(['registry:App', 'registry:a//b', 'registry:host/app:', 'registry:app@sha256:1', 'registry:docker://app'])(
    'refuses %s as no reference',
    (text) => {
      expect(() => parseImageSource(text)).toThrow(expect.objectContaining({ code: 'reference-invalid', origin: 'input' }));
    },
  );

  it.each([
    '',
    ' ',
    'docker-archive:',
    'oci:',
    'docker-daemon:',
    'registry:',
    'docker://app',
    'dir:x',
    './app.tar',
    'app.tar',
    '/abs/app',
    'a b',
    'a/../b',
    'a//b',
    '../images/json',
    'app?x=1',
    'app#x',
    'app%2f..',
    'app\nci',
    '-app',
    'app:',
    'C:\\app.tar',
  ])('refuses %j, naming the accepted forms', (text) => {
    try {
      parseImageSource(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(StepError);
      expect(error).toMatchObject({
        code: 'source-form',
        origin: 'input',
        hint: expect.stringContaining('docker-archive:FILE[:NAME:TAG]'),
      });
      expect((error as StepError).message).toContain(JSON.stringify(text));
    }
  });
});
