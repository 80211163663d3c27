import { existsSync, globSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Input, toCamelCase } from '../../src/inputs/input.ts';
import { inputs } from '../../src/inputs/table.ts';
import { type CodeBlock, documents, readMarkdown, root } from './markdown.ts';

const files = documents();
const names = new Set(inputs.map(({ name }): string => name));

/** As GitHub makes them of headings. */
function anchors(path: string): readonly string[] {
  return [...readMarkdown(path).prose.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What a link of `from` leads to that is not there. */
function brokenLink(from: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#', 2);
  const file = path === '' ? from : normalize(join(dirname(from), path)).replaceAll('\\', '/');
  if (!existsSync(join(root, file))) return `${file} is not there`;
  return anchor === undefined || anchors(file).includes(anchor) ? undefined : `${file} has no heading for #${anchor}`;
}

describe.each(files.map((file) => [file.path, file] as const))('%s', (path, { prose, blocks }) => {
  test('links to what is there', () => {
    const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^https?:/.test(target));
    expect(targets.flatMap((target) => brokenLink(path, target) ?? [])).toEqual([]);
  });

  test('names files of the repository that are there', () => {
    const named = [...prose.matchAll(/`((?:src|test|docs|scripts|examples|dist|\.ci)\/[\w./*-]*|[\w-]+\/[\w./-]+\.ts)`/g)].map(
      ([, name = '']) => name,
    );
    const missing = named.filter((name) => {
      if (name.startsWith('dist/')) return false;
      const pattern = name.replace(/\/$/, '');
      return globSync([pattern, `src/${pattern}`, `src/*/${pattern}`], { cwd: root }).length === 0;
    });
    expect(missing).toEqual([]);
  });

  test('shows only options that there are', () => {
    const lines = blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.replaceAll('\\\n', ' ').split('\n'));
    const ours = lines.map((line) => line.replace(/ #.*$/, '')).filter((line) => /^\s*(?:image-custody|node dist\/cli\.js) /.test(line));
    for (const line of ours) {
      const options = [...line.matchAll(/\s--([\w-]+)/g)].map(([, option = '']) => option);
      expect(
        options.filter((option) => !names.has(option)),
        line,
      ).toEqual([]);
    }
    const prosaic = [...prose.matchAll(/`--([\w-]+)/g)].map(([, option = '']) => option);
    expect(prosaic.filter((option) => !names.has(option) && !foreignOptions.has(option))).toEqual([]);
  });

  test('has JSON and YAML that parse, and steps with inputs that there are', () => {
    for (const block of blocks) {
      if (block.language === 'json') JSON.parse(block.text);
      if (block.language === 'yaml') checkYaml(block);
    }
    for (const [, text = ''] of blocks.flatMap((block) => [...block.text.matchAll(/<<'END'\n(\{.*?\n\})\nEND/gs)])) JSON.parse(text);
  });
});

/** Of npm scripts, notation, cosign and oras. */
const foreignOptions: ReadonlySet<string> = new Set([
  'check',
  'insecure-registry',
  'new-bundle-format',
  'plain-http',
  'signature-digest-algorithm',
  'type',
]);

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly task?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

function checkYaml({ text }: CodeBlock): void {
  for (const document of parseAllDocuments(text)) {
    expect(document.errors).toEqual([]);
    for (const step of stepsIn(document.toJS())) checkStep(step);
  }
}

/** Steps wherever they stand: in a list by themselves, in `steps`, in jobs. */
function stepsIn(value: unknown): readonly Step[] {
  if (Array.isArray(value)) return value.flatMap(stepsIn);
  if (typeof value !== 'object' || value === null) return [];
  const isStep = 'uses' in value || 'task' in value;
  return isStep ? [value as Step] : Object.values(value).flatMap(stepsIn);
}

function checkStep({ uses, task, with: given = {}, inputs: camel = {} }: Step): void {
  const rows: readonly Input[] = inputs;
  if (uses?.startsWith('image-custody/')) {
    const accepted = rows.filter(({ onlyOn }) => onlyOn !== 'azure-pipelines').map(({ name }) => name);
    expect(Object.keys(given).filter((name) => !accepted.includes(name))).toEqual([]);
    expect(Object.keys(given)).toEqual(expect.arrayContaining(neededBy(given.command)));
    checkValues(given);
  }
  if (task?.startsWith('ImageCustody@')) {
    const accepted = rows.filter(({ onlyOn }) => onlyOn !== 'github').map(({ name }) => toCamelCase(name));
    expect(Object.keys(camel).filter((name) => !accepted.includes(name))).toEqual([]);
    expect(Object.keys(camel)).toEqual(expect.arrayContaining(neededBy(camel.command)));
  }
}

/** Inputs without which a command does nothing of use. */
function neededBy(command: unknown): string[] {
  return command === 'mirror' ? ['push'] : command === 'doctor' || command === 'verify' ? [] : ['image'];
}

/** A `secret:NAME` has to be one of `secrets`. */
function checkValues(given: Readonly<Record<string, unknown>>): void {
  const secrets = `${given.secrets ?? ''}`.split('\n').map((line) => line.split('=', 1)[0]?.trim());
  for (const value of Object.values(given)) {
    const name = /^secret:(.*)$/.exec(`${value}`)?.[1];
    if (name !== undefined) expect(secrets).toContain(name);
  }
}

test('the documents are linked from the README, and decisions are numbered one by one', () => {
  const { text } = readMarkdown('README.md');
  const guides = files.map(({ path }) => path).filter((path) => /^docs\/[^/]+$/.test(path));
  expect(guides.filter((path) => !text.includes(`](${path})`))).toEqual([]);
  const numbers = files.filter(({ path }) => path.startsWith('docs/decisions/')).map(({ path }) => Number(basename(path).slice(0, 4)));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});
