/**
 * Writes what is derived from src/inputs/table/: action.yml, task.json, vss-extension.json and the README's tables; and the compressor that is
 * compiled from wasm/.
 *   node scripts/generate.ts          writes
 *   node scripts/generate.ts --check  exits with 1 where a file is stale
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { commands, defaultCommands, type Input, toCamelCase } from '../src/inputs/input.ts';
import { type InputGroup, inputGroups, inputs, type Output, outputs } from '../src/inputs/table.ts';
import { deflateModule } from './generate-wasm.ts';

interface PackageFile {
  readonly version: string;
  readonly description: string;
}

const root = new URL('..', import.meta.url);
const project = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as PackageFile;
const readme = readFileSync(new URL('README.md', root), 'utf8');

const files = new Map<string, string>([
  ['action.yml', actionFile()],
  ['task.json', `${JSON.stringify(taskFile(), null, 2)}\n`],
  ['vss-extension.json', `${JSON.stringify(extensionFile(), null, 2)}\n`],
  ['src/layer/deflate-wasm.ts', await deflateModule()],
  ['README.md', withTable(withTable(readme, 'inputs', inputTables()), 'outputs', outputTable())],
]);

const stale = [...files].filter(([name, text]) => currentText(name) !== text);
if (process.argv.includes('--check')) {
  for (const [name] of stale) console.error(`${name} is stale: run npm run generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [name, text] of stale) writeFileSync(new URL(name, root), text);
}

function currentText(name: string): string | undefined {
  try {
    return readFileSync(new URL(name, root), 'utf8');
  } catch {
    return undefined;
  }
}

/** https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax */
function actionFile(): string {
  const rows = inputs.filter((input: Input) => input.onlyOn !== 'azure-pipelines');
  const metadata = {
    name: 'Image Custody',
    description: project.description,
    author: 'Image Custody maintainers',
    branding: { icon: 'shield', color: 'blue' },
    inputs: Object.fromEntries(rows.map((input) => [input.name, actionInput(input)])),
    outputs: Object.fromEntries(outputs.map((output: Output) => [output.name, { description: output.description }])),
    runs: { using: 'node24', main: 'dist/github.js' },
  };
  return `# Generated from src/inputs/table/ by scripts/generate.ts.\n${stringify(metadata, { lineWidth: 0 })}`;
}

function actionInput(input: Input) {
  const value = input.githubDefault ?? input.default;
  return {
    description: describe(input),
    required: input.required === true,
    ...(value === undefined ? {} : { default: value }),
  };
}

/** https://github.com/microsoft/azure-pipelines-task-lib/blob/master/tasks.schema.json */
function taskFile() {
  const [major, minor, patch] = taskVersion();
  const target = { target: 'dist/azure-pipelines.js', argumentFormat: '' };
  return {
    $schema: 'https://raw.githubusercontent.com/Microsoft/azure-pipelines-task-lib/master/tasks.schema.json',
    id: '7d0b7a6e-3c1f-4d55-9a35-5f2b7c1d9e44',
    name: 'ImageCustody',
    friendlyName: 'Image Custody',
    description: project.description,
    helpMarkDown: 'https://github.com/image-custody/image-custody#readme',
    category: 'Utility',
    visibility: ['Build', 'Release'],
    author: 'Image Custody maintainers',
    version: { Major: major, Minor: minor, Patch: patch },
    instanceNameFormat: 'Image Custody: $(command) $(image)',
    minimumAgentVersion: '3.232.1',
    groups: inputGroups.map(taskGroup),
    inputs: inputGroups.flatMap(({ name, inputs }) =>
      inputs.filter((input: Input) => input.onlyOn !== 'github').map((input) => taskInput(input, name)),
    ),
    outputVariables: outputs.map((output: Output) => ({ name: toCamelCase(output.name), description: output.description })),
    execution: { Node20_1: target, Node24: target },
  };
}

/** The task's major version is part of its name in pipelines (`ImageCustody@1`), so it stays 1 while the package is before 1.0. */
function taskVersion(): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = project.version.split('.').map(Number);
  return [Math.max(major, 1), minor, patch];
}

/** The first is open; a group is seen where one of its inputs is. */
function taskGroup({ name, title, inputs }: InputGroup, index: number) {
  const having = commands.filter((command) => inputs.some((input) => (input.commands ?? defaultCommands).includes(command)));
  return { name, displayName: title, isExpanded: index === 0, ...toVisibility({ commands: having }) };
}

function taskInput(input: Input, groupName: string) {
  return {
    name: toCamelCase(input.name),
    groupName,
    label: toLabel(input.name),
    defaultValue: input.default ?? '',
    required: input.required === true,
    helpMarkDown: describe(input),
    ...taskInputType(input),
    ...toVisibility(input),
  };
}

/** What a command does not have is not asked for; a required input is required where it is seen. */
function toVisibility({ commands: having = defaultCommands }: Pick<Input, 'commands'>): { visibleRule?: string } {
  return having.length === commands.length ? {} : { visibleRule: having.map((command) => `command = ${command}`).join(' || ') };
}

function taskInputType(input: Input): { type: string; options?: Record<string, string> } {
  switch (input.type) {
    case 'list':
      return { type: 'multiLine' };
    case 'flag':
      return { type: 'boolean' };
    case 'choice':
      return { type: 'pickList', options: Object.fromEntries((input.choices ?? []).map((choice) => [choice, choice])) };
    case 'azure-connection':
      return { type: 'connectedService:AzureRM' };
    default:
      return { type: 'string' };
  }
}

/** https://learn.microsoft.com/azure/devops/extend/develop/manifest */
function extensionFile() {
  return {
    manifestVersion: 1,
    id: 'image-custody',
    publisher: 'image-custody',
    version: project.version,
    name: 'Image Custody',
    description: project.description,
    public: true,
    categories: ['Azure Pipelines'],
    targets: [{ id: 'Microsoft.VisualStudio.Services' }],
    content: { details: { path: 'README.md' }, license: { path: 'LICENSE' } },
    files: [
      { path: 'dist', packagePath: 'ImageCustody/dist' },
      { path: 'task.json', packagePath: 'ImageCustody/task.json' },
    ],
    contributions: [
      {
        id: 'image-custody-task',
        type: 'ms.vss-distributed-task.task',
        targets: ['ms.vss-distributed-task.tasks'],
        properties: { name: 'ImageCustody' },
      },
    ],
  };
}

function inputTables(): string {
  return inputGroups.map(({ title, inputs }: InputGroup) => `\n### ${title}\n\n${inputTable(inputs)}\n`).join('');
}

function inputTable(rows: readonly Input[]): string {
  const lines = rows.map(
    (input) => `| \`${input.name}\` | ${describe(input)} | ${input.required === true ? '**required**' : defaultText(input)} |`,
  );
  return ['| input | meaning | default |', '|---|---|---|', ...lines].join('\n');
}

function outputTable(): string {
  return ['| output | meaning |', '|---|---|', ...outputs.map((output: Output) => `| \`${output.name}\` | ${output.description} |`)].join(
    '\n',
  );
}

function describe(input: Input): string {
  const choices = input.choices === undefined ? '' : ` One of ${input.choices.map((choice) => `\`${choice}\``).join(', ')}.`;
  return `${input.description}${choices}${input.type === 'list' ? ' One a line.' : ''}`;
}

function defaultText(input: Input): string {
  return input.defaultText ?? (input.default === undefined ? '' : `\`${input.default}\``);
}

function toLabel(name: string): string {
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`. */
function withTable(text: string, name: string, table: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md lacks the markers ${start} and ${end}`);
  return `${text.slice(0, from + start.length)}\n${table}\n${text.slice(to)}`;
}
