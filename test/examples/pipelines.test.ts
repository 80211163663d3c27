import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { toCamelCase } from '../../src/inputs/input.ts';
import { parseDoctorSettings, parseSettings } from '../../src/inputs/parse.ts';

interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly task?: string;
  readonly if?: string;
  readonly condition?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly if?: string;
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

function readYaml<T>(path: string): T {
  const document = parseDocument(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), { strict: true, uniqueKeys: true });
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return document.toJS() as T;
}

/** The texts that the step would get; an expression or macro stands for some value of it. */
function toTexts(values: Readonly<Record<string, unknown>> = {}, placeholder: RegExp = /(?!)/): ReadonlyMap<string, string> {
  return new Map(Object.entries(values).map(([name, value]) => [name, String(value).replaceAll(placeholder, 'some-value')]));
}

const expression = /\$\{\{.*?\}\}/g;
const macro = /\$\(.*?\)/g;

describe('examples/github/image.yml', () => {
  const workflow = readYaml<{ on: object; permissions: object; jobs: Readonly<Record<string, Job>> }>('examples/github/image.yml');
  const action = readYaml<{ inputs: object; outputs: object }>('action.yml');
  const jobs = Object.entries(workflow.jobs);
  const isOurs = ({ uses = '' }: Step) => uses.startsWith('image-custody/image-custody@');

  it('runs for pull requests and for main, one job for each, with no permission but what a job names', () => {
    expect(workflow.on).toEqual({ pull_request: null, push: { branches: ['main'] } });
    expect(jobs.map(([, job]) => [job.if, job.steps.filter(isOurs).length])).toEqual([
      ["github.event_name == 'pull_request'", 1],
      ["github.event_name == 'push'", 1],
    ]);
    expect(workflow.permissions).toEqual({});
  });

  it.each(jobs)('%s gives inputs that action.yml has and the step accepts', (_, { steps }) => {
    for (const step of steps.filter(isOurs)) {
      expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(step.with ?? {})));
      expect(() => parseSettings(toTexts(step.with, expression), (name) => name)).not.toThrow();
    }
  });

  it.each(jobs)('%s has the permissions for what its inputs ask for', (_, { steps, permissions, if: condition }) => {
    for (const step of steps.filter(isOurs)) {
      expect(permissions?.['id-token']).toBe(step.with?.['azure-client-id'] === undefined ? undefined : 'write');
      expect(permissions?.['pull-requests']).toBe(condition?.includes("== 'pull_request'") ? 'write' : undefined);
      expect(permissions).toMatchObject({ contents: 'read', checks: 'write' });
      expect(step.with?.push === undefined).toBe(condition?.includes("== 'pull_request'"));
    }
  });

  it.each(jobs)('%s reads outputs of steps that it has, which action.yml names', (_, job) => {
    for (const [, id, output] of JSON.stringify(job).matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)) {
      expect(job.steps.filter((step) => step.id === id && isOurs(step))).toHaveLength(1);
      expect(Object.keys(action.outputs)).toContain(output);
    }
  });
});

describe('examples/github/doctor.yml', () => {
  const workflow = readYaml<{ on: object; permissions: object; jobs: Readonly<Record<string, Job>> }>('examples/github/doctor.yml');
  const published = readYaml<{ jobs: Readonly<Record<string, Job>> }>('examples/github/image.yml');
  const ours = (jobs: Readonly<Record<string, Job>>) =>
    Object.values(jobs).flatMap(({ steps }) => steps.filter(({ uses = '' }) => uses.startsWith('image-custody/image-custody@')));

  it('looks at what the job that publishes is given, with its rights, and by hand alone', () => {
    const [doctor, ...others] = ours(workflow.jobs);
    expect(others).toEqual([]);
    expect(workflow.on).toEqual({ workflow_dispatch: null });
    const { command, push, ...inputs } = doctor?.with ?? {};
    expect(command).toBe('doctor');
    const publishing = ours(published.jobs).find((step) => step.with?.push !== undefined);
    expect(publishing?.with).toMatchObject(inputs);
    expect(`${publishing?.with?.push}`).toContain(push);
    expect(() => parseDoctorSettings(toTexts(doctor?.with, expression), (name) => name)).not.toThrow();
    expect(Object.values(published.jobs).map(({ environment }) => environment)).toContain(workflow.jobs.doctor?.environment);
    const rights = Object.assign({}, ...Object.values(published.jobs).map(({ permissions }) => permissions));
    expect(workflow.jobs.doctor?.permissions).toEqual(rights);
  });
});

describe('examples/azure-pipelines/azure-pipelines.yml', () => {
  const { steps } = readYaml<{ steps: readonly Step[] }>('examples/azure-pipelines/azure-pipelines.yml');
  const task = readYaml<{ name: string; version: { Major: number }; inputs: { name: string }[]; outputVariables: { name: string }[] }>(
    'task.json',
  );
  const ours = steps.filter((step) => step.task === `${task.name}@${task.version.Major}`);

  it('runs the task for pull requests and for main', () => {
    expect(ours.map(({ condition }) => condition)).toEqual([
      "and(succeeded(), eq(variables['Build.Reason'], 'PullRequest'))",
      "and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main'))",
    ]);
    expect(ours.map(({ inputs }) => inputs?.push !== undefined)).toEqual([false, true]);
  });

  it('gives inputs that task.json has and the step accepts', () => {
    const names = task.inputs.map(({ name }) => name);
    const tables = new Map(names.map((name) => [name, name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)]));
    for (const { inputs } of ours) {
      expect(names).toEqual(expect.arrayContaining(Object.keys(inputs ?? {})));
      const texts = new Map([...toTexts(inputs, macro)].map(([name, text]) => [tables.get(name) ?? name, text]));
      expect(() => parseSettings(texts, toCamelCase)).not.toThrow();
    }
  });

  it('signs in by a service connection where it publishes, and has no secret', () => {
    for (const { inputs, env } of ours) {
      expect(inputs?.azureServiceConnection !== undefined).toBe(inputs?.push !== undefined);
      expect(env).toBeUndefined();
      expect(JSON.stringify(inputs)).not.toMatch(/secret/i);
    }
  });

  it('reads output variables that task.json names', () => {
    const read = [...JSON.stringify(steps).matchAll(/\$\(custody\.(\w+)\)/g)].map(([, name]) => name);
    expect(ours.filter(({ name }) => name === 'custody')).toHaveLength(1);
    expect(read).not.toEqual([]);
    expect(task.outputVariables.map(({ name }) => name)).toEqual(expect.arrayContaining(read));
  });
});
