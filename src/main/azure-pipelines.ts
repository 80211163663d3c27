import { createAzurePipelinesHost } from '../host/azure-pipelines/azure-pipelines-host.ts';
import { listAzurePipelinesChecks } from '../host/azure-pipelines/checks.ts';
import { readInputs } from '../host/azure-pipelines/inputs.ts';
import { readBuildRun } from '../host/azure-pipelines/provenance.ts';
import { readServiceConnection } from '../host/azure-pipelines/service-connection.ts';
import { type Input, toCamelCase } from '../inputs/input.ts';
import { inputs } from '../inputs/table.ts';
import { readEnvironment, toSubject } from './environment.ts';
import { openProcessNetwork, run, runCommand, toRaw } from './run.ts';
import { env } from './started-with.ts';

const network = openProcessNetwork(env);
const host = createAzurePipelinesHost({
  env,
  write: (text) => process.stdout.write(text),
  http: network.http,
  subject: toSubject({
    command: env.INPUT_COMMAND,
    image: env.INPUT_IMAGE,
    reference: env.INPUT_REFERENCE,
    deployment: env.INPUT_DEPLOYMENT,
  }),
  random: () => crypto.randomUUID(),
});

run(host, network, async (world) => {
  const names = inputs.filter((input: Input) => input.onlyOn !== 'github').map((input) => input.name);
  const raw = toRaw(readInputs(env, names), host);
  return runCommand(raw, toCamelCase, host, async () => {
    const environment = await readEnvironment(env);
    const { now, random, sleep } = world;
    const context = { env, http: network.http, retry: { now, random, sleep }, imds: environment.instanceMetadata };
    const own = {
      hostUrl: env.SYSTEM_COLLECTIONURI,
      findBuildRun: async () => readBuildRun(env),
      hostChecks: listAzurePipelinesChecks({ env, http: network.http }),
      openServiceConnection: (id: string) => readServiceConnection(id, context),
    };
    return { ...world, environment: { ...environment, ...own } };
  });
});
