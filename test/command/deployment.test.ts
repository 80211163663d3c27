import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDeployment } from '../../src/command/deployment.ts';
import type { World } from '../../src/command/world.ts';
import type { VerifySettings } from '../../src/inputs/settings.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deployment-'));
});
afterAll(() => rm(folder, { recursive: true }));

type Files = Readonly<Record<string, string>>;

async function read(files: Files, deployment = ['compose.yaml'], composeVariables: Files = {}) {
  const workspace = await mkdtemp(join(folder, 'workspace-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(workspace, path)), { recursive: true });
    await writeFile(join(workspace, path), text);
  }
  return readAgain(workspace, deployment, composeVariables);
}

async function readAgain(workspace: string, deployment: readonly string[], composeVariables: Files = {}) {
  const settings = { deployment, composeVariables: new Map(Object.entries(composeVariables)) } as unknown as VerifySettings;
  const { images, remarks } = await readDeployment(settings, workspace, { environment: {} } as unknown as World);
  return {
    images: [...new Set(images.map(({ reference }) => reference))].sort(),
    errors: remarks.filter(({ level }) => level === 'error').map(({ file, line, reason }) => `${file}:${line} ${reason}`),
  };
}

const service = (name: string, rest: string) => `services: {${name}: {${rest}}}\n`;
const tagged = service('b', 'image: "b:${T:-none}"');

// What compose-go 2.16.2, the library inside Docker Compose, answers with all profiles.
describe('Compose files are read as Compose reads them', () => {
  it.each<[string, Files, readonly string[]]>([
    ['variables of .env', { 'compose.yaml': tagged, '.env': 'T=1\n' }, ['b:1']],
    ['.env of the folder of an included file', { 'compose.yaml': 'include: [s/i.yaml]\n', 's/i.yaml': tagged, 's/.env': 'T=s\n' }, ['b:s']],
    [
      'own .env before it',
      { 'compose.yaml': 'include: [s/i.yaml]\n', 's/i.yaml': tagged, 's/.env': 'T=s\n', '.env': 'T=own\n' },
      ['b:own'],
    ],
    [
      'env_file of an include',
      { 'compose.yaml': 'include: [{path: i.yaml, env_file: o.env}]\n', 'i.yaml': tagged, 'o.env': 'T=9\n' },
      ['b:9'],
    ],
    [
      'the last of several, with variables in its name',
      {
        'compose.yaml': 'include: [{path: i.yaml, env_file: [a.env, "${X:-b}.env"]}]\n',
        'i.yaml': tagged,
        'a.env': 'T=9\n',
        'b.env': 'T=1${T}\n',
      },
      ['b:19'],
    ],
    [
      'project_directory, for .env and for paths',
      {
        'compose.yaml': 'include: [{path: s/i.yaml, project_directory: p}]\n',
        's/i.yaml': `${tagged}include: [j.yaml]\n`.replace('}}', '}, e: {extends: {file: e.yaml, service: e}}}'),
        's/e.yaml': service('e', 'image: s'),
        's/.env': 'T=s\n',
        'p/e.yaml': service('e', 'image: p'),
        'p/j.yaml': service('j', 'image: "j:${T}"'),
        'p/.env': 'T=p\n',
      },
      ['b:p', 'j:p', 'p'],
    ],
    [
      'an include in an included file that has nothing else',
      {
        'compose.yaml': 'include: [s/i.yaml]\n',
        's/i.yaml': 'include: [t/j.yaml]\n',
        's/t/j.yaml': tagged,
        's/.env': 'T=s\n',
        's/t/.env': 'T=t\n',
      },
      ['b:s'],
    ],
    [
      'a file that is included, and extended with other variables',
      {
        'compose.yaml': `include: [{path: i.yaml, env_file: a.env}]\n${service('x', 'extends: {file: i.yaml, service: b}')}`,
        'i.yaml': tagged,
        'a.env': 'T=1\n',
      },
      ['b:1', 'b:none'],
    ],
    [
      'extends of an included service',
      { 'compose.yaml': `include: [i.yaml]\n${service('a', 'extends: b')}`, 'i.yaml': service('b', 'image: b') },
      ['b'],
    ],
    [
      'extends from file to file, each seen from the last',
      {
        'compose.yaml': service('a', 'extends: {file: s/e.yaml, service: b}'),
        's/e.yaml': service('b', 'extends: {file: f.yaml, service: c}'),
        's/f.yaml': service('c', 'image: "c:${T:-0}"'),
        's/.env': 'T=1\n',
      },
      ['c:0'],
    ],
    ['variables in extends', { 'compose.yaml': 'services:\n  a: {extends: "${X:-b}"}\n  b: {image: b}\n' }, ['b']],
    [
      'volumes of a service that is extended',
      {
        'compose.yaml': service('a', 'extends: {file: e.yaml, service: b}'),
        'e.yaml': service('b', 'image: g, volumes: [{type: "${X:-image}", source: v, target: /x}]'),
      },
      ['g', 'v'],
    ],
    ['jobs', { 'compose.yaml': `${service('a', 'image: a')}jobs: {j: {image: j}}\n` }, ['a', 'j']],
    [
      'own pull_policy before that of the extended',
      { 'compose.yaml': 'services:\n  a: {extends: b, pull_policy: always}\n  b: {image: b, build: ., pull_policy: build}\n' },
      ['b'],
    ],
    ['build taken away', { 'compose.yaml': `${service('a', 'build: !reset {context: .}, pull_policy: build, image: a')}` }, ['a']],
    ['no image beside a build', { 'compose.yaml': 'services:\n  a: {build: ., image: "${E-}"}\n  b: {image: b}\n' }, ['b']],
  ])('%s', async (_title, files, images) => {
    expect(await read(files)).toEqual({ images, errors: [] });
  });

  it('reads what was given before all files', async () => {
    expect((await read({ 'compose.yaml': tagged, '.env': 'T=1\n' }, ['compose.yaml'], { T: '2' })).images).toEqual(['b:2']);
  });

  it.each<[string, Files, string]>([
    [
      'variables that are not there',
      { 'compose.yaml': 'include: [{path: i.yaml, env_file: no.env}]\n', 'i.yaml': tagged },
      'compose.yaml:1 no.env, which it needs, cannot be read: there is no such file',
    ],
    [
      'variables that cannot be read',
      { 'compose.yaml': tagged, '.env': 'A=1\n!\n' },
      '.env:2 it cannot be read: a line of it sets no variable',
    ],
    [
      'a file that is not there',
      { 'compose.yaml': `include: [no.yaml]\n${tagged}` },
      'compose.yaml:1 no.yaml, which it needs, cannot be read: there is no such file',
    ],
    [
      'a service in several documents',
      {
        'compose.yaml': service('a', 'extends: {file: e.yaml, service: b}'),
        'e.yaml': `${service('b', 'image: b')}---\n${service('b', 'image: c')}`,
      },
      'compose.yaml:1 the image of service a is not known: several documents of e.yaml have the service b, which it extends',
    ],
    [
      'a circle of includes',
      { 'compose.yaml': `include: [i.yaml]\n${tagged}`, 'i.yaml': 'include: [{path: j.yaml, env_file: no.env}]', 'j.yaml': '' },
      'i.yaml:1 no.env, which it needs, cannot be read: there is no such file',
    ],
  ])('tells of %s', async (_title, files, error) => {
    expect((await read(files)).errors).toEqual([error]);
  });

  it('ends where files include each other', async () => {
    expect(await read({ 'compose.yaml': `include: [i.yaml]\n${tagged}`, 'i.yaml': 'include: [compose.yaml]\n' })).toEqual({
      images: ['b:none'],
      errors: [],
    });
  });

  it('follows no link of variables to the outside', async () => {
    const workspace = await mkdtemp(join(folder, 'workspace-'));
    await writeFile(join(workspace, 'compose.yaml'), tagged);
    await writeFile(join(folder, 'secret.env'), 'T=secret\n');
    await symlink(join(folder, 'secret.env'), join(workspace, '.env'));
    const { images, errors } = await readAgain(workspace, ['compose.yaml']);
    expect([images, errors]).toEqual([['b:none'], ['compose.yaml:1 .env, which it needs, cannot be read: it is outside of the workspace']]);
  });

  it('says why there is no image', async () => {
    await expect(read({ 'compose.yaml': service('a', 'build: .') })).rejects.toMatchObject({
      code: 'no-image',
      message: expect.stringContaining('service a is built where it runs'),
    });
  });
});
