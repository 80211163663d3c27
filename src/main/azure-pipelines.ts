import { secure } from '../command/secure.ts';
import { createAzurePipelinesHost } from '../host/azure-pipelines/azure-pipelines-host.ts';
import { readInputs } from '../host/azure-pipelines/inputs.ts';
import { parseSettings } from '../inputs/parse.ts';
import { inputs, toCamelCase } from '../inputs/table.ts';
import { createProcessHttp, readEnvironment, run, toSubject } from './run.ts';

const { env } = process;
const http = createProcessHttp();
const host = createAzurePipelinesHost({
  env,
  write: (text) => process.stdout.write(text),
  http,
  subject: toSubject(env.INPUT_IMAGE),
  random: () => crypto.randomUUID(),
});

run(host, http, async (world) => {
  const names = inputs.filter((input) => !('onlyOn' in input)).map((input) => input.name);
  const settings = parseSettings(new Map(Object.entries(readInputs(env, names))), toCamelCase);
  return secure(settings, host, { ...world, environment: await readEnvironment(env) });
});
