import { createAzurePipelinesHost } from '../host/azure-pipelines/azure-pipelines-host.ts';
import { listAzurePipelinesChecks } from '../host/azure-pipelines/checks.ts';
import { readInputs } from '../host/azure-pipelines/inputs.ts';
import { type Input, inputs, toCamelCase } from '../inputs/table.ts';
import { readEnvironment, toSubject } from './environment.ts';
import { openProcessNetwork, run, runCommand, toRaw } from './run.ts';

const { env } = process;
const network = openProcessNetwork(env);
const host = createAzurePipelinesHost({
  env,
  write: (text) => process.stdout.write(text),
  http: network.http,
  subject: toSubject(env.INPUT_IMAGE),
  random: () => crypto.randomUUID(),
});

run(host, network, async (world) => {
  const names = inputs.filter((input: Input) => input.onlyOn !== 'github').map((input) => input.name);
  const raw = toRaw(readInputs(env, names), host);
  return runCommand(raw, toCamelCase, host, async () => {
    const hostChecks = listAzurePipelinesChecks({ env, http: network.http });
    return { ...world, environment: { ...(await readEnvironment(env)), hostUrl: env.SYSTEM_COLLECTIONURI, hostChecks } };
  });
});
