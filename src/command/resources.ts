import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Feed } from '../advisory/feed.ts';
import type { ListSetting, StepSettings } from '../inputs/settings.ts';
import { StepError } from '../lib/step-error.ts';
import { type ExploitationSource, nothingOfExploitation } from '../model/exploitation.ts';
import { builtinPolicy } from '../policy/builtin-policy.ts';
import type { Policy } from '../policy/policy.ts';
import { parsePolicy } from '../policy/policy-file.ts';
import { toWorkspacePath } from './workspace-path.ts';
import type { World } from './world.ts';

/** A Dockerfile by its path in the workspace, with `/`. */
export interface DockerfileText {
  readonly path: string;
  readonly text: string;
}

const defaultPolicyFile = '.image-custody.yml';
const defaultDockerfile = 'Dockerfile';

/** The policy that the image is held against. Rejects with a StepError where a file that was named is not there. */
export async function readPolicy(settings: Pick<StepSettings, 'policy' | 'failOn'>, workspace: string): Promise<Policy> {
  const builtin = builtinPolicy({ failOn: settings.failOn });
  const path = settings.policy ?? defaultPolicyFile;
  const text = await readText('policy', path, workspace, settings.policy !== undefined);
  return text === undefined ? builtin : parsePolicy(text, toWorkspacePath(workspace, path), builtin);
}

/** The Dockerfile that findings are attributed to, where there is one. */
export async function readDockerfile(settings: StepSettings, workspace: string): Promise<DockerfileText | undefined> {
  const path = settings.dockerfile ?? defaultDockerfile;
  const text = await readText('dockerfile', path, workspace, settings.dockerfile !== undefined);
  return text === undefined ? undefined : { path: relative(workspace, resolve(workspace, path)).split(sep).join('/'), text };
}

/**
 * The lists of exploited vulnerabilities. Rejects with a StepError where a file that was named is not there, or where the policy has conditions on a list
 * that nobody has named: they would never be met. URLs are not asked yet.
 */
export async function openExploitationLists(
  settings: StepSettings,
  policy: Policy,
  workspace: string,
  { http, now, random, sleep }: World,
): Promise<ExploitationSource> {
  requireLists(settings, policy);
  const [knownExploited, epss] = await Promise.all([
    toFeed('known-exploited', settings.knownExploited, workspace),
    toFeed('epss', settings.epss, workspace),
  ]);
  if (knownExploited === undefined && epss === undefined) return async () => nothingOfExploitation;
  const { openExploitation } = await import('../advisory/exploitation-lists.ts');
  return openExploitation({ knownExploited, epss, http, retry: { now, random, sleep } });
}

function requireLists({ knownExploited, epss }: StepSettings, { name, rules }: Policy): void {
  const conditions = rules.map((rule) => rule.deny);
  const missing = [
    ...(knownExploited === undefined && conditions.some((given) => given.knownExploited !== undefined) ? ['known-exploited'] : []),
    ...(epss === undefined && conditions.some((given) => given.epss !== undefined) ? ['epss'] : []),
  ];
  const [first] = missing;
  if (first === undefined) return;
  throw new StepError({
    code: 'input-conflict',
    origin: 'input',
    message: `The policy ${name} has a condition ${first}, and the input ${first} is not given`,
    hint: `Give the input ${first} a file or an https URL, or take the condition out of the policy.`,
  });
}

async function toFeed(input: string, setting: ListSetting | undefined, workspace: string): Promise<Feed | undefined> {
  if (setting === undefined) return undefined;
  if (setting.kind === 'service') return { kind: 'url', url: new URL(setting.url) };
  const path = resolve(workspace, setting.path);
  if ((await stat(path).catch(() => undefined))?.isFile()) return { kind: 'file', path };
  throw new StepError({
    code: 'file-unreadable',
    origin: 'input',
    message: `Cannot read the file ${JSON.stringify(setting.path)} of the input ${input}: there is no such file`,
    hint: `Give the path of a file, relative to ${workspace}, or an https URL.`,
  });
}

/** The text of an input's file; undefined where it is not there and need not be. Rejects with a StepError `file-unreadable`. */
export async function readText(input: string, path: string, workspace: string, required: true): Promise<string>;
export async function readText(input: string, path: string, workspace: string, required: boolean): Promise<string | undefined>;
export async function readText(input: string, path: string, workspace: string, required: boolean): Promise<string | undefined> {
  return (await readBytes(input, path, workspace, required))?.toString('utf8');
}

/** The same as bytes. */
export async function readBytes(input: string, path: string, workspace: string, required: true): Promise<Buffer>;
export async function readBytes(input: string, path: string, workspace: string, required: boolean): Promise<Buffer | undefined>;
export async function readBytes(input: string, path: string, workspace: string, required: boolean): Promise<Buffer | undefined> {
  const file = isAbsolute(path) ? path : resolve(workspace, path);
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!required && (code === 'ENOENT' || code === 'EISDIR')) return undefined;
    throw new StepError({
      code: 'file-unreadable',
      origin: 'input',
      message: `Cannot read the file ${JSON.stringify(path)} of the input ${input}: ${code === 'ENOENT' ? 'there is no such file' : (code ?? 'unknown error')}`,
      hint: `Give the path of a file, relative to ${workspace}.`,
    });
  }
}
