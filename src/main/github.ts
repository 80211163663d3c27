import { listGitHubChecks } from '../host/github/checks.ts';
import { createGitHubHost } from '../host/github/github-host.ts';
import { fetchIdentityToken } from '../host/github/identity-token.ts';
import { readInputs } from '../host/github/inputs.ts';
import { findBuildRun } from '../host/github/provenance.ts';
import { parseCredential } from '../inputs/fields.ts';
import { inputs } from '../inputs/table.ts';
import type { HttpRequest } from '../lib/http.ts';
import { retry } from '../lib/retry.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import { readEnvironment, toSubject } from './environment.ts';
import { openProcessNetwork, run, runCommand, toRaw } from './run.ts';
import { env } from './started-with.ts';

const network = openProcessNetwork(env);
const { http } = network;
const raw = readInputs(
  env,
  inputs.map((input) => input.name),
);
const given = raw['github-token'] === undefined ? undefined : parseCredential(raw['github-token']);
let token = given?.kind === 'literal' ? given.value : undefined;
const host = createGitHubHost({
  env,
  write: (text) => process.stdout.write(text),
  http,
  token: () => token,
  subject: toSubject(raw),
  random: () => crypto.randomUUID(),
});

run(host, network, (world) => {
  return runCommand(
    toRaw(raw, host),
    (name) => name,
    host,
    async (settings) => {
      const { now, random, sleep } = world;
      const patient = (request: HttpRequest) => retry({ now, random, sleep, attempts: 4 }, () => http(request));
      const canAskForToken = [env.ACTIONS_ID_TOKEN_REQUEST_URL, settings.azureClientId, env.AZURE_CLIENT_ID].some(
        (value) => value !== undefined,
      );
      const fetchToken = canAskForToken ? (audience: string) => fetchIdentityToken(env, patient, audience) : undefined;
      const environment = {
        ...(await readEnvironment(env)),
        giveHostToken: (secret: SecretValue) => {
          token = secret;
        },
        hostUrl: env.GITHUB_API_URL,
        findBuildRun: () => findBuildRun(env, env.ACTIONS_ID_TOKEN_REQUEST_URL === undefined ? undefined : fetchToken),
        hostChecks: listGitHubChecks({ env, http, token: () => token }),
        fetchIdentityToken: fetchToken,
      };
      return { ...world, environment };
    },
  );
});
