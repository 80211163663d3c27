import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoAdvisories } from '../sandbox/demo/advisories.ts';
import { badShop, fixedShop, type ShopImage } from '../sandbox/demo/shop.ts';
import { startRegistry } from '../sandbox/registry.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { type DemoSandbox, runGithubStep, type StepRun } from './demo-step.ts';
import { verifyPublished } from './demo-verification.ts';
import type { ExitCode } from './exit-code.ts';
import type { World } from './world.ts';

/** What the demo takes from its process. */
export interface DemoOptions {
  /** An image of the user's own, read from this folder; the demo's two images where absent. */
  readonly image: string | undefined;
  readonly workspace: string;
  /** The packaged GitHub host: the file that a runner would start. */
  readonly githubProgram: string;
  readonly write: (text: string) => void;
}

const repository = 'contoso/shop';

/**
 * Runs the step as a GitHub runner would, against stand-ins on this machine: with an image that is denied, then with the repaired one, which is
 * published, signed and read back. Gives 0 where everything went as it should.
 */
export async function demo(options: DemoOptions, world: World): Promise<ExitCode> {
  const folder = await mkdtemp(join(tmpdir(), 'image-custody-demo-'));
  const password = randomBytes(24).toString('base64url');
  const sandbox = await startSandbox(join(folder, 'sandbox'), {
    secrets: { 'registry-password': password },
    advisories: { records: demoAdvisories },
  });
  await mkdir(join(folder, 'registry'));
  const registry = await startRegistry({
    folder: join(folder, 'registry'),
    now: world.now,
    auth: { kind: 'bearer', users: [{ name: 'shop-ci', password, grants: [{ repository, actions: ['pull', 'push'] }] }] },
  });
  const place: DemoSandbox = { sandbox, registry, folder, repository, githubProgram: options.githubProgram };
  try {
    return options.image === undefined ? await showShop(place, password, options, world) : await showImage(place, password, options, world);
  } finally {
    await Promise.all([sandbox.close(), registry.close()]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function showShop(place: DemoSandbox, password: string, { write }: DemoOptions, world: World): Promise<ExitCode> {
  write(heading('1. A pull request adds an image with a token in a layer, an old zlib and a vulnerable dependency'));
  const denied = await runShop(place, 'denied', badShop(randomBytes));
  showRun(denied, write);
  const nothing = place.registry.content.repositories().length === 0 && place.registry.openUploads() === 0;
  write(`\nThe registry holds ${nothing ? 'nothing of it' : 'something of it'}. The reviewer reads on the pull request:\n\n`);
  write(quote(denied.comment));

  write(heading('2. The author repairs the image and pushes again'));
  const published = await runShop(place, 'published', fixedShop());
  showRun(published, write);
  write('\nThe same comment now reads:\n\n');
  write(quote(published.comment));

  const asExpected = denied.exitCode === 1 && nothing && published.exitCode === 0;
  if (published.exitCode === 0) await showVerification(place, password, write, world);
  write(asExpected ? nextSteps : '\nThe demo did not go as it should; the log above has the reason.\n');
  return asExpected ? 0 : 3;
}

async function showImage(place: DemoSandbox, password: string, { image, workspace, write }: DemoOptions, world: World): Promise<ExitCode> {
  write(heading(`Your image ${image}`));
  write('The sandbox knows three advisories only; secrets, malware and misconfiguration are looked for in full.\n\n');
  const run = await runGithubStep(place, { name: 'own', image: image ?? '', workspace, docker: world.environment.docker });
  showRun(run, write);
  write('\nThe reviewer would read on the pull request:\n\n');
  write(quote(run.comment));
  if (run.exitCode === 0) await showVerification(place, password, write, world);
  write(nextSteps);
  return run.exitCode === 0 || run.exitCode === 1 ? 0 : 3;
}

async function runShop(place: DemoSandbox, name: string, { archive, dockerfile }: ShopImage): Promise<StepRun> {
  const workspace = join(place.folder, name, 'workspace');
  await mkdir(workspace, { recursive: true });
  await Promise.all([writeFile(join(workspace, 'shop.tar'), archive), writeFile(join(workspace, 'Dockerfile'), dockerfile)]);
  return runGithubStep(place, { name, image: 'docker-archive:shop.tar', workspace });
}

async function showVerification(place: DemoSandbox, password: string, write: DemoOptions['write'], world: World): Promise<void> {
  write(heading('Read back from the registry'));
  for (const line of await verifyPublished(place, password, world)) write(`${line}\n`);
}

function showRun({ log, exitCode, elapsedMs }: StepRun, write: DemoOptions['write']): void {
  write(`${log.trimEnd()}\n\nexit code ${exitCode} after ${(elapsedMs / 1000).toFixed(1)} s\n`);
}

function heading(text: string): string {
  return `\n${text}\n${'='.repeat(text.length)}\n\n`;
}

function quote(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  │ ${line}\n`)
    .join('');
}

const nextSteps = `
What to do next
===============

  image-custody demo app:ci                                    the same with an image of yours
  image-custody secure --image app:ci                          scan it with advisories of osv.dev
  image-custody secure --image app:ci --push REGISTRY/app:1 --signing-key file:KEY.pem,CERTIFICATES.pem

In a workflow: add the step of README.md, "GitHub Actions" or "Azure Pipelines".
`;
