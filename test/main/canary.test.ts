import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReceivedRequest } from '../../src/sandbox/exchange.ts';
import { type KeyVault, startKeyVault } from '../../src/sandbox/key-vault.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { fileInputs, openPlace, type Place, vaultInputs } from './place.ts';
import { type HostKind, hostKinds, runStep } from './step-run.ts';

let place: Place;
let registry: RunningRegistry;
/** Answers every push with what it was sent to log in with. */
let echo: RunningRegistry;
let closedVault: KeyVault;
let canaries: ReadonlyMap<string, string>;

beforeAll(async () => {
  place = await openPlace();
  const { sandbox, workspace, password, key } = place;
  registry = await place.startRegistry();
  echo = await place.startRegistry({
    faults: ({ method, headers }) => {
      const { authorization = '' } = headers;
      const message = `no: ${authorization} ${Buffer.from(authorization.slice(6), 'base64').toString('latin1')} ${password}`;
      return method === 'POST' && authorization !== ''
        ? { kind: 'answer', status: 403, body: JSON.stringify({ errors: [{ code: 'DENIED', message }] }) }
        : undefined;
    },
  });
  closedVault = await startKeyVault({ tls: await sandbox.authority.issueTls(), entra: sandbox.entra, grants: {} });
  const archive = await readFile(join(workspace, 'good.tar'));
  await writeFile(join(workspace, 'truncated.tar'), archive.subarray(0, 5000));
  const github = await sandbox.prepareGithubStep({ folder: await place.newFolder('probe'), inputs: {} });
  const azure = await sandbox.prepareAzurePipelinesStep({ folder: await place.newFolder('probe'), inputs: {} });
  canaries = new Map([
    ['client secret', sandbox.identity.clientSecret],
    ['registry password', password],
    ['GitHub token', sandbox.githubToken],
    ['OIDC request token', github.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? ''],
    ['access token of the job', azure.env.ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN ?? ''],
    ...key
      .split('\n')
      .filter((line) => line.length > 40 && !line.startsWith('-----'))
      .map((line, index) => [`line ${index + 1} of the signing key`, line] as const),
  ]);
  for (const [name, canary] of canaries) expect(canary.length, name).toBeGreaterThan(20);
});

afterAll(async () => {
  await closedVault.close();
  await place.close();
});

interface Scene {
  readonly what: string;
  readonly exitCode: number;
  inputs(): Readonly<Record<string, string>>;
}

const scenes: readonly Scene[] = [
  { what: 'all from the vault', exitCode: 0, inputs: () => vaultInputs(place, `${registry.host}/team/vault:1.0`) },
  { what: 'all from files', exitCode: 0, inputs: () => fileInputs(place, `${registry.host}/team/file:1.0`) },
  {
    what: 'denied',
    exitCode: 1,
    inputs: () => ({ ...vaultInputs(place, `${registry.host}/team/bad:1.0`), image: 'docker-archive:bad.tar' }),
  },
  {
    what: 'a vault that refuses',
    exitCode: 3,
    inputs: () => ({ ...vaultInputs(place, `${registry.host}/team/a:1.0`), 'key-vault': closedVault.url }),
  },
  { what: 'a registry that refuses', exitCode: 3, inputs: () => vaultInputs(place, `${registry.host}/others/a:1.0`) },
  { what: 'a registry that echoes credentials', exitCode: 3, inputs: () => vaultInputs(place, `${echo.host}/team/a:1.0`) },
  {
    what: 'a damaged archive',
    exitCode: 3,
    inputs: () => ({ ...vaultInputs(place, `${registry.host}/team/a:1.0`), image: 'docker-archive:truncated.tar' }),
  },
  {
    what: 'a key file instead of a password',
    exitCode: 3,
    inputs: () => ({ ...fileInputs(place, `${registry.host}/team/a:1.0`), 'registry-password': place.key }),
  },
  {
    what: 'a secret where a name belongs',
    exitCode: 2,
    inputs: () => ({
      ...vaultInputs(place, `${registry.host}/team/a:1.0`),
      'registry-password': place.password,
      'registry-username': 'secret:NONE',
    }),
  },
  {
    what: 'a key where its file belongs',
    exitCode: 2,
    inputs: () => ({ ...fileInputs(place, `${registry.host}/team/a:1.0`), 'signing-key': place.key }),
  },
  {
    what: 'a secret where its name belongs',
    exitCode: 2,
    inputs: () => ({
      ...vaultInputs(place, `${registry.host}/team/a:1.0`),
      secrets: `REGISTRY_PASSWORD = ${place.password}=\n${place.password}`,
    }),
  },
];

describe('no credential is seen anywhere', () => {
  it.concurrent.each(scenes.flatMap((scene) => hostKinds.map((host) => ({ host, what: scene.what, scene }))))(
    '$host: $what',
    async ({ host, scene }) => {
      const { azureDevops, github, osv } = place.sandbox;
      const { exitCode, stdout, stderr, files } = await runStep(host, place, { inputs: scene.inputs() });
      expect(exitCode, stdout + stderr).toBe(scene.exitCode);
      const places: Readonly<Record<string, string>> = {
        stdout: withoutMasks(host, stdout),
        stderr,
        ...files,
        comments: JSON.stringify(github.comments),
        checkRuns: JSON.stringify(github.checkRuns),
        threads: JSON.stringify([azureDevops.threads, azureDevops.statuses]),
        advisories: osv.requests.map(toText).join('\n'),
        // What GitHub and Azure DevOps are sent besides the header that authorizes it.
        bodies: [...github.requests, ...azureDevops.requests].map(({ url, body }) => `${url} ${body.toString('utf8')}`).join('\n'),
      };
      const seen = Object.entries(places).flatMap(([name, text]) =>
        [...canaries]
          .filter(([, canary]) => formsOf(canary).some((form) => text.includes(form)))
          .map(([credential]) => `${credential} in ${name}`),
      );
      expect(seen).toEqual([]);
      // Nor one that was made of them: access tokens and assertions are JSON Web Tokens.
      expect(
        Object.entries(places)
          .filter(([, text]) => /eyJ[\w-]{20,}\.[\w-]{20,}/.test(text))
          .map(([name]) => name),
      ).toEqual([]);
    },
  );

  it('and the search finds one in each form', () => {
    const [canary = ''] = canaries.values();
    for (const text of [
      `x${canary}`,
      encodeURIComponent(`a=${canary}`),
      ...['', 'a', 'ab', 'user:'].map((before) => Buffer.from(before + canary).toString('base64')),
    ]) {
      expect(
        formsOf(canary).some((form) => text.includes(form)),
        text,
      ).toBe(true);
    }
  });
});

/** As it is, URL-encoded, and what of it does not depend on its neighbours in Base64 and Base64url at each of the three offsets. */
function formsOf(canary: string): readonly string[] {
  const encoded = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.from(`${'x'.repeat(offset)}${canary}`).toString('base64');
    const own = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + canary.length) * 8) / 6));
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [canary, encodeURIComponent(canary), ...encoded];
}

/** The commands that tell the runner what to hide are the one place where a secret has to be. */
function withoutMasks(host: HostKind, stdout: string): string {
  const masks = host === 'github' ? /^::add-mask::.*$/gm : /^##vso\[task\.setsecret\].*$/gm;
  return stdout.replace(masks, '');
}

function toText({ method, url, headers, body }: ReceivedRequest): string {
  return [method, url, JSON.stringify(headers), body.toString('utf8')].join(' ');
}
