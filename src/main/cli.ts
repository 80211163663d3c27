#!/usr/bin/env node
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import type { Host } from '../host/host.ts';
import { createShellHost } from '../host/shell/shell-host.ts';
import { unknownInput } from '../inputs/input-names.ts';
import { parseDoctorSettings, parseSettings } from '../inputs/parse.ts';
import { parseMirrorSettings } from '../inputs/parse-mirror.ts';
import { parseVerifySettings } from '../inputs/parse-verify.ts';
import { StepError } from '../lib/step-error.ts';
import { inputOptions, toFlag, toRaw } from './cli-options.ts';
import { readEnvironment } from './environment.ts';
import { openProcessNetwork, run, version } from './run.ts';
import { env } from './started-with.ts';

/** The GitHub host beside this file: bundled in dist/, as a source where the sources run. */
const githubProgram = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'github.ts' : 'github.js', import.meta.url));

const program = new Command('image-custody')
  .description('Scan a container image, hold it against a policy, push it to the trusted registry, sign it and report.')
  .version(version)
  // Errors are told below, as all others are: Commander would quote the value of an unknown option, which may be a password.
  .configureOutput({ outputError: () => undefined })
  .exitOverride();

const secureCommand = program.command('secure', { isDefault: true }).description('the whole step (the default command)');
for (const option of inputOptions('secure')) secureCommand.addOption(option);
secureCommand.action((options: Record<string, string>) => {
  const host = createHost();
  run(host, openProcessNetwork(env), async (world) => {
    const settings = parseSettings(toRaw(options), toFlag);
    const { secure } = await import('../command/secure.ts');
    // The stream is not touched before it is read: it would keep the process waiting.
    const standardInput = { isTerminal: isatty(0), open: () => process.stdin };
    return secure(settings, host, { ...world, environment: { ...(await readEnvironment(env)), standardInput } });
  });
});

const verifyCommand = program
  .command('verify')
  .description('hold images, and those that a deployment uses, against who is trusted and what is asked of them');
for (const option of inputOptions('verify')) verifyCommand.addOption(option);
verifyCommand.action((options: Record<string, string>) => {
  const host = createHost();
  run(host, openProcessNetwork(env), async (world) => {
    const settings = parseVerifySettings(toRaw(options), toFlag);
    const { verify } = await import('../command/verify.ts');
    const standardInput = { isTerminal: isatty(0), open: () => process.stdin };
    return verify(settings, host, { ...world, environment: { ...(await readEnvironment(env)), standardInput } });
  });
});

const doctorCommand = program
  .command('doctor')
  .description('check one by one what the same options of secure need: identity, vault, key, registries; nothing is left behind');
for (const option of inputOptions('doctor')) doctorCommand.addOption(option);
doctorCommand.action((options: Record<string, string>) => {
  const host = createHost();
  run(host, openProcessNetwork(env), async (world) => {
    const settings = parseDoctorSettings(toRaw(options), toFlag);
    const { doctor } = await import('../command/doctor.ts');
    return doctor(settings, host, { ...world, environment: await readEnvironment(env) });
  });
});

const mirrorCommand = program
  .command('mirror')
  .description('put a snapshot of the advisories into a file or your own registry, for runs that are to ask nobody else');
for (const option of inputOptions('mirror')) mirrorCommand.addOption(option);
mirrorCommand.action((options: Record<string, string>) => {
  const host = createHost();
  run(host, openProcessNetwork(env), async (world) => {
    const settings = parseMirrorSettings(toRaw(options), toFlag);
    const { mirror } = await import('../command/mirror.ts');
    return mirror(settings, host, { ...world, environment: await readEnvironment(env) });
  });
});

program
  .command('demo')
  .description('run the step against a sandbox on this machine: once with an image that is denied, once with one that is published')
  .argument('[image]', 'an image of yours, as the option --image takes it')
  .action((image: string | undefined) => {
    const host = createHost();
    run(host, openProcessNetwork(env), async (world) => {
      const { demo } = await import('../command/demo.ts');
      const options = { image, workspace: process.cwd(), githubProgram, write: (text: string) => process.stdout.write(text) };
      return demo(options, { ...world, environment: await readEnvironment(env) });
    });
  });

process.exitCode = 3;
try {
  // Other users of the machine see a process by this, in place of its arguments, which a password may be among. On Windows it would name their window.
  if (process.platform !== 'win32') process.title = 'image-custody';
  program.parse();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
  if (error.exitCode !== 0) createHost().fail(toUsageError(error.message));
}

function createHost(): Host {
  return createShellHost({ env: env, stdout: process.stdout, stderr: process.stderr, workspace: process.cwd() });
}

function toUsageError(message: string): StepError {
  const option = /^error: unknown option '(-[^'=]*)/.exec(message)?.[1];
  if (option !== undefined) return unknownInput(option, toFlag);
  return new StepError({
    code: 'input-invalid',
    origin: 'input',
    message: message.replace(/^error: /, '').replace(/\s*\n.*$/s, ''),
    hint: 'image-custody --help lists the commands, image-custody secure --help every option.',
  });
}
