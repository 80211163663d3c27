import { createPrivateKey, randomBytes, randomInt } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../../main/place.ts';
import { authorizes, type Credential, either, inForm, privateKey, text } from './credentials.ts';

export type Values = ReturnType<typeof createValues>;

/** Random, so that nothing else is like them, and with what each encoding spells in its own way. */
export function createValues() {
  const value = (): string => randomBytes(24).toString('base64url');
  const odd = (): string =>
    [...'+/=&%"<\\é> \''].map((character) => `${randomBytes(6).toString('base64url').slice(0, randomInt(3, 8))}${character}`).join('');
  return {
    password: odd(),
    /** With tabs: what indents by blanks is like other documents over too many bytes. */
    lines: JSON.stringify(
      { [value()]: `${value()}\n${randomBytes(96).toString('base64')}\n`, [value()]: { [value()]: value() } },
      null,
      '\t',
    ),
    /** Of several short lines: none of them is long enough to be searched for by itself. */
    short: Array.from({ length: 6 }, () => randomBytes(6).toString('base64url')).join('\n'),
    proxy: odd(),
    stored: odd(),
    identityToken: value(),
    appHeader: value(),
  };
}

/** Docker's configuration, programs that fail, and a proxy that wants a password. Gives the environment. */
export async function prepareMachine(
  folder: string,
  { stored, identityToken }: Values,
  proxy: string,
): Promise<Readonly<Record<string, string>>> {
  const [docker, bin] = [join(folder, 'machine/docker'), join(folder, 'machine/bin')];
  await Promise.all([docker, bin].map((path) => mkdir(path, { recursive: true })));
  const auths = {
    'stored.example': { auth: Buffer.from(`me:${stored}`).toString('base64') },
    'token.example': { identitytoken: identityToken },
  };
  await writeFile(join(docker, 'config.json'), JSON.stringify({ auths }));
  for (const name of ['az', 'docker-credential-pass']) {
    await writeFile(join(bin, name), '#!/bin/sh\nexit 1\n');
    await chmod(join(bin, name), 0o755);
  }
  return { DOCKER_CONFIG: docker, HTTPS_PROXY: proxy, PATH: bin };
}

/** Every credential of a world, and where each may go. */
export async function plant(place: Place, values: Values): Promise<readonly Credential[]> {
  const { sandbox, key } = place;
  const github = await sandbox.prepareGithubStep({ folder: await place.newFolder('probe'), inputs: {} });
  const azure = await sandbox.prepareAzurePipelinesStep({ folder: await place.newFolder('probe'), inputs: {} });
  const isRegistry = either(...['password', 'other', 'acr', 'stored'].map((name) => authorizes(`registry ${name}`)));
  return [
    text('client secret', sandbox.identity.clientSecret, inForm('entra', /\/token$/)),
    text('registry password', values.password, isRegistry),
    text('GitHub token', sandbox.githubToken, authorizes('github')),
    text('request token of GitHub', github.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? '', authorizes('github', /idtoken/)),
    text('token of the job', azure.env.ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN ?? '', authorizes('azure-devops')),
    text('secret of several lines', values.lines),
    text('secret of short lines', values.short),
    text('proxy password', values.proxy, (sent) => sent.service === 'proxy' && sent.part === 'proxy-authorization'),
    text("password in Docker's configuration", values.stored, authorizes('registry other')),
    text(
      "token in Docker's configuration",
      values.identityToken,
      either(inForm('registry other', /token/), inForm('registry acr', /token/)),
    ),
    text('identity header', values.appHeader, (sent) => sent.service === 'app-service' && /^x-identity-header$|^secret$/.test(sent.part)),
    privateKey('signing key', createPrivateKey(key)),
    privateKey('key of the client certificate', createPrivateKey(await sandbox.clientCertificate())),
  ];
}
