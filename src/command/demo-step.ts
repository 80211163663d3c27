import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningRegistry } from '../sandbox/registry.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { DockerSettings } from '../source/docker-endpoint.ts';

/** The stand-ins of a demo, and what runs against them. */
export interface DemoSandbox {
  readonly sandbox: Sandbox;
  readonly registry: RunningRegistry;
  readonly folder: string;
  readonly repository: string;
  readonly githubProgram: string;
}

export interface StepRun {
  readonly exitCode: number;
  /** What the runner would show. */
  readonly log: string;
  /** The step's comment on the pull request, as it is now. */
  readonly comment: string;
  readonly elapsedMs: number;
}

/** Starts the packaged GitHub host as a runner would: with its environment, event file and output files, and nothing of ours. */
export async function runGithubStep(
  { sandbox, registry, folder, repository, githubProgram }: DemoSandbox,
  step: { readonly name: string; readonly image: string; readonly workspace: string; readonly docker?: DockerSettings },
): Promise<StepRun> {
  const chainFile = join(folder, 'chain.pem');
  await writeFile(chainFile, sandbox.signing.chain.slice(1).join(''));
  const { env } = await sandbox.prepareGithubStep({
    folder: join(folder, step.name, 'runner'),
    workspace: step.workspace,
    inputs: {
      image: step.image,
      push: `${registry.host}/${repository}:1.0`,
      advisories: sandbox.osv.url,
      'key-vault': sandbox.vault.url,
      secrets: 'REGISTRY_PASSWORD = registry-password',
      'registry-username': 'shop-ci',
      'registry-password': 'secret:REGISTRY_PASSWORD',
      'signing-key': `${sandbox.signing.name},${chainFile}`,
      attest: 'sbom\nprovenance\nscan\nverdict',
      'github-token': sandbox.githubToken,
    },
  });
  const startedMs = performance.now();
  const { exitCode, log } = await runProgram(githubProgram, { ...env, ...toVariables(step.docker) }, step.workspace);
  return { exitCode, log: toShownLog(log), comment: sandbox.github.comments.at(-1)?.body ?? '', elapsedMs: performance.now() - startedMs };
}

function toVariables({ host, context, tls, tlsVerify, certPath, configFolder }: DockerSettings = {}): Readonly<Record<string, string>> {
  const variables = {
    DOCKER_HOST: host,
    DOCKER_CONTEXT: context,
    DOCKER_TLS: tls,
    DOCKER_TLS_VERIFY: tlsVerify,
    DOCKER_CERT_PATH: certPath,
    DOCKER_CONFIG: configFolder,
  };
  return Object.fromEntries(Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

async function runProgram(program: string, env: Readonly<Record<string, string>>, cwd: string): Promise<{ exitCode: number; log: string }> {
  const child = spawn(process.execPath, [program], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 3));
  });
  return { exitCode, log: Buffer.concat(parts).toString('utf8') };
}

/** The log as the runner shows it: commands are obeyed and not printed, annotations stand with their level. */
function toShownLog(log: string): string {
  return log
    .split('\n')
    .filter((line) => !line.startsWith('::add-mask::'))
    .map((line) => {
      const [, level, message = ''] = /^::(error|warning|notice)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
      if (level === undefined) return line;
      const text = message.replaceAll('%0D', '').replaceAll('%0A', '\n  ').replaceAll('%25', '%');
      return `${level.charAt(0).toUpperCase()}${level.slice(1)}: ${text}`;
    })
    .join('\n');
}
