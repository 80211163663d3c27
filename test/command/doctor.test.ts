import type { X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseProxy } from '../../src/lib/proxy.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { startKeyVault } from '../../src/sandbox/key-vault.ts';
import type { RunningRegistry } from '../../src/sandbox/registry.ts';
import { startRevocationService } from '../../src/sandbox/revocation.ts';
import { createTimestampChain } from '../../src/sandbox/timestamp/chain.ts';
import { startTimestampAuthority } from '../../src/sandbox/timestamp.ts';
import { writeZip } from '../advisory/zip-writer.ts';
import { startForwardProxy } from '../lib/forward-proxy.ts';
import { fileInputs, openPlace, type Place, vaultInputs } from '../main/place.ts';
import { consult, secureInstead } from './doctor-case.ts';

let place: Place;
let registry: RunningRegistry;

beforeAll(async () => {
  place = await openPlace();
  registry = await place.startRegistry();
});

afterAll(() => place.close());

const hostOf = (url: string): string => new URL(url).host;

describe('doctor, where all is right', () => {
  it('says so of each thing with its facts, and leaves nothing', async () => {
    const { sandbox, password } = place;
    const seen = registry.requests.length;
    const { exitCode, results, of, log, summaries, masked } = await consult(place, vaultInputs(place, `${registry.host}/team/app:1`));
    const repository = `${registry.host}/team/app`;
    expect(exitCode).toBe(0);
    expect(results.map(({ name }) => name)).toEqual([
      'node',
      'policy',
      ...[sandbox.entra.url, sandbox.vault.url, registry.url, sandbox.osv.url].map((url) => `network ${hostOf(url)}`),
      'clock',
      'identity',
      'secret REGISTRY_PASSWORD',
      'signing key',
      'certificate rules',
      'certificate dates',
      'signature',
      ...['read', 'push', 'give up', 'referrers', 'anonymous'].map((verb) => `${verb} ${repository}`),
      'image',
      'advisories',
    ]);
    expect(results.filter(({ state }) => state === 'wrong' || state === 'skipped')).toEqual([]);
    const { tenantId, clientId, objectId } = sandbox.identity;
    for (const id of [tenantId, clientId, objectId]) expect(of('identity').text).toContain(id);
    expect(of('signing key').text).toMatch(
      /keys\/image-signing\/[0-9a-f]{32}: EC prime256v1, signs with ES256; its chain of 3 is complete/,
    );
    // The sandbox's certificates are good for 30 days.
    expect(of('certificate dates')).toMatchObject({ state: 'warning', text: expect.stringMatching(/in (?:28|29) days$/) });
    expect(of(`push ${repository}`).text).toContain('as user "shop-ci"');
    expect(registry.content.repositories()).toEqual([]);
    expect(registry.openUploads()).toBe(0);
    const methods = registry.requests.slice(seen).map(({ method }) => method);
    expect([...new Set(methods)].sort()).toEqual(['DELETE', 'GET', 'HEAD', 'POST']);
    expect(masked).toContain(password);
    expect([...log, ...summaries, JSON.stringify(results)].join('\n')).not.toContain(password);
    expect(log.filter((line) => line.startsWith('ok '))).toHaveLength(results.filter(({ state }) => state === 'right').length);
    expect(summaries[0]).toContain(`${results.length} checks`);
  });

  it('with files alone asks no vault and no identity', async () => {
    const seen = place.sandbox.vault.requests.length;
    const environment = { azureTenantId: undefined };
    const { exitCode, results } = await consult(place, fileInputs(place, `${registry.host}/team/app:1`), { environment });
    expect(exitCode).toBe(0);
    expect(results.map(({ name }) => name)).not.toContain('identity');
    expect(place.sandbox.vault.requests).toHaveLength(seen);
  });

  it('has a timestamp made, and is not content with one that is not below the root', async () => {
    const [authority, other] = [await startTimestampAuthority(), await startTimestampAuthority()];
    try {
      await writeFile(join(place.workspace, 'tsa.pem'), authority.rootPem);
      const inputs = { ...fileInputs(place, `${registry.host}/team/app:1`), 'timestamp-certificate': 'tsa.pem' };
      const environment = { azureTenantId: undefined };
      const { exitCode, of } = await consult(place, { ...inputs, 'timestamp-url': authority.url }, { environment });
      expect(exitCode).toBe(0);
      expect(of('timestamp')).toMatchObject({ state: 'right', text: expect.stringContaining(`${hostOf(authority.url)} countersigns`) });
      expect(of('certificate dates').hint).toContain('nothing can be signed with the old one after its last day.');
      const wrong = await consult(place, { ...inputs, 'timestamp-url': other.url }, { environment });
      expect(wrong.of('timestamp')).toMatchObject({ state: 'wrong', code: 'timestamp-untrusted' });
      await other.close();
      const gone = await consult(place, { ...inputs, 'timestamp-url': other.url }, { environment });
      expect(gone.of(`network ${hostOf(other.url)}`).state).toBe('wrong');
      expect(gone.of('timestamp').state).toBe('skipped');
    } finally {
      await authority.close();
    }
  });

  it("asks whether the authority's certificates are revoked", async () => {
    const revocation = await startRevocationService();
    const { ocspUrl } = revocation.addressesOf('tsa');
    const chain = await createTimestampChain({ length: 'root', leaf: { ocspUrls: [ocspUrl] } });
    const [leaf, root] = chain.certificates as [X509Certificate, X509Certificate];
    const authority = await startTimestampAuthority({ chain });
    try {
      await writeFile(join(place.workspace, 'tsa.pem'), authority.rootPem);
      const given = {
        ...fileInputs(place, `${registry.host}/team/app:1`),
        'timestamp-url': authority.url,
        'timestamp-certificate': 'tsa.pem',
      };
      const look = async () => (await consult(place, given, { environment: { azureTenantId: undefined } })).of('timestamp');
      expect(await look()).toMatchObject({ state: 'warning', text: expect.stringContaining('is revoked cannot be found out') });
      revocation.enroll('tsa', { certificate: root, privateKey: chain.issuerKey, issued: [leaf] });
      expect((await look()).state).toBe('right');
      revocation.revoke('tsa', { certificate: leaf, time: new Date('2026-01-01T00:00:00Z') });
      expect(await look()).toMatchObject({ state: 'wrong', text: expect.stringContaining('is revoked') });
    } finally {
      await Promise.all([authority.close(), revocation.close()]);
    }
  });

  it('without an image and without a destination looks at what is left', async () => {
    const { exitCode, results } = await consult(
      place,
      { advisories: place.sandbox.osv.url },
      { environment: { azureTenantId: undefined } },
    );
    expect(exitCode).toBe(0);
    expect(results.map(({ name }) => name)).toEqual(['node', 'policy', `network ${hostOf(place.sandbox.osv.url)}`, 'clock', 'advisories']);
  });
});

describe('doctor, where one thing is wrong', () => {
  it('goes on with what does not depend on it, and says why the rest was skipped', async () => {
    const inputs = { ...vaultInputs(place, `${registry.host}/team/app:1`), secrets: 'REGISTRY_PASSWORD = no-such-secret' };
    const { exitCode, of, results } = await consult(place, inputs);
    const repository = `${registry.host}/team/app`;
    expect(exitCode).toBe(3);
    expect(of('secret REGISTRY_PASSWORD')).toMatchObject({
      state: 'wrong',
      code: 'object-missing',
      hint: expect.stringContaining('az keyvault secret list'),
    });
    expect(of(`push ${repository}`)).toMatchObject({
      state: 'skipped',
      text: expect.stringContaining('"secret REGISTRY_PASSWORD" is wrong'),
    });
    expect(of(`give up ${repository}`)).toMatchObject({
      state: 'skipped',
      text: expect.stringContaining(`"push ${repository}" was skipped`),
    });
    expect(of('signature').state).toBe('right');
    expect(results.filter(({ state }) => state === 'wrong')).toHaveLength(1);
  });

  it('an identity that is missing, wrong or of no vault', async () => {
    const inputs = vaultInputs(place, `${registry.host}/team/app:1`);
    const none = await consult(place, { ...inputs, 'azure-identity': 'none' });
    expect(none.of('identity')).toMatchObject({ state: 'wrong', code: 'no-identity' });
    const absent = await consult(place, { ...fileInputs(place, `${registry.host}/team/app:1`), 'azure-identity': 'client-certificate' });
    expect(absent.of('identity')).toMatchObject({ state: 'wrong', text: expect.stringContaining('AZURE_CLIENT_CERTIFICATE_PATH') });
    expect(absent.of(`push ${registry.host}/team/app`).state).toBe('right');
    const wrong = await consult(place, inputs, { environment: { azureClientSecret: new SecretValue('not this one') } });
    expect(wrong.of('identity')).toMatchObject({
      state: 'wrong',
      code: 'client-secret-wrong',
      hint: expect.stringContaining('az ad app credential reset'),
    });
    expect(wrong.of('signing key')).toMatchObject({ state: 'skipped' });
    expect(JSON.stringify(wrong.results)).not.toContain('not this one');
  });

  it('hosts that do not answer, or are not trusted', async () => {
    const closed = await place.startRegistry();
    await closed.close();
    const inputs = { ...vaultInputs(place, `${closed.host}/team/app:1`) };
    const { exitCode, of } = await consult(place, inputs);
    expect(exitCode).toBe(3);
    expect(of(`network ${closed.host}`)).toMatchObject({ state: 'wrong', code: 'no-answer', hint: expect.stringContaining('firewall') });
    expect(of(`push ${closed.host}/team/app`).state).toBe('skipped');
    expect(of('secret REGISTRY_PASSWORD').state).toBe('right');
  });

  it('a clock that is off, by less and by more', async () => {
    const inputs = { advisories: place.sandbox.osv.url };
    const at = (ms: number) => ({ environment: { azureTenantId: undefined }, world: { now: () => new Date(Date.now() + ms) } });
    expect((await consult(place, inputs, at(-90_000))).of('clock')).toMatchObject({
      state: 'warning',
      text: expect.stringMatching(/(?:89|90|91) s behind/),
    });
    const ahead = await consult(place, inputs, at(3_600_000));
    expect(ahead.of('clock')).toMatchObject({
      state: 'wrong',
      text: expect.stringMatching(/3(?:599|600|601) s ahead/),
      hint: expect.stringContaining('timedatectl'),
    });
    expect(ahead.exitCode).toBe(3);
  });

  it('a repository that may be read and not pushed to, and one that anybody may read', async () => {
    const grants = [{ repository: 'team/*', actions: ['pull'] as const }];
    const users = [{ name: 'shop-ci', password: place.password, grants }];
    const open = await place.startRegistry({ auth: { kind: 'bearer', users, anonymous: grants } });
    const { of, exitCode } = await consult(place, fileInputs(place, `${open.host}/team/app:1`));
    expect(exitCode).toBe(3);
    expect(of(`read ${open.host}/team/app`).state).toBe('right');
    expect(of(`push ${open.host}/team/app`)).toMatchObject({
      state: 'wrong',
      code: 'forbidden',
      hint: expect.stringContaining('push to team/app'),
    });
    expect(of(`anonymous ${open.host}/team/app`).text).toContain('anybody may ask');
  });

  it('a registry without the referrers API, and one that does not let an upload go', async () => {
    const old = await place.startRegistry({
      limits: { referrersApi: false },
      faults: ({ method }) => (method === 'DELETE' ? { kind: 'answer', status: 405 } : undefined),
    });
    const { of, exitCode } = await consult(place, fileInputs(place, `${old.host}/team/app:1`));
    expect(exitCode).toBe(0);
    expect(of(`referrers ${old.host}/team/app`).text).toContain('no referrers API');
    expect(of(`give up ${old.host}/team/app`)).toMatchObject({ state: 'warning', hint: expect.stringContaining('"delete"') });
  });

  it('a key whose chain is incomplete, or breaks the rules, or has ended', async () => {
    const inputs = vaultInputs(place, `${registry.host}/team/app:1`);
    const incomplete = await consult(place, { ...inputs, 'signing-key': place.sandbox.signing.name });
    expect(incomplete.of('signing key')).toMatchObject({ state: 'wrong', code: 'incomplete-chain' });
    expect(incomplete.of('signature').state).toBe('skipped');
    const later = await consult(place, fileInputs(place, `${registry.host}/team/app:1`), {
      environment: { azureTenantId: undefined },
      world: { now: () => new Date(Date.now() + 40 * 24 * 3_600_000) },
    });
    expect(later.of('certificate rules')).toMatchObject({ state: 'wrong', code: 'certificate-rules' });
    expect(later.of('certificate dates')).toMatchObject({ state: 'wrong', text: expect.stringContaining('that is past') });
    expect(later.of('signature').state).toBe('skipped');
  });

  it('an old Node', async () => {
    const { of, exitCode } = await consult(place, { advisories: place.sandbox.osv.url }, { world: { nodeVersion: '20.18.3' } });
    expect(exitCode).toBe(3);
    expect(of('node')).toMatchObject({ state: 'wrong', hint: expect.stringContaining('20.19') });
    const { engines } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      engines: { node: string };
    };
    expect(of('node').hint).toContain(engines.node.replace('>=', ''));
  });

  it('a policy that is none is bad input, and is all that is wrong', async () => {
    await writeFile(join(place.workspace, 'bad-policy.yml'), 'rules: {}\n');
    const { of, exitCode } = await consult(place, { ...fileInputs(place, `${registry.host}/team/app:1`), policy: 'bad-policy.yml' });
    expect(of('policy')).toMatchObject({ state: 'wrong', code: 'invalid-policy' });
    expect(of('advisories').state).toBe('skipped');
    expect(exitCode).toBe(2);
  });

  it('an image that is not there yet is a warning, a daemon that is not there is wrong', async () => {
    const inputs = fileInputs(place, `${registry.host}/team/app:1`);
    const missing = await consult(place, { ...inputs, image: 'docker-archive:later.tar' });
    expect(missing.of('image')).toMatchObject({ state: 'warning', code: 'source-not-found' });
    expect(missing.exitCode).toBe(0);
    const docker = { host: `unix://${place.folder}/no.sock` };
    const { of } = await consult(place, { ...inputs, image: 'app:ci' }, { environment: { docker } });
    expect(of('image')).toMatchObject({ state: 'wrong', code: 'source-daemon' });
  });
});

describe('doctor, what will end or is to be known', () => {
  it('a secret that expires soon is a warning with the command that renews it', async () => {
    const { sandbox } = place;
    const expires = new Date(Date.now() + 5.5 * 24 * 3_600_000);
    const vault = await startKeyVault({
      tls: await sandbox.authority.issueTls(),
      entra: sandbox.entra,
      grants: { [sandbox.identity.objectId]: ['secrets/get'] },
      secrets: [{ name: 'registry-password', value: place.password, expires }],
    });
    const inputs = { ...fileInputs(place, `${registry.host}/team/app:1`), 'key-vault': vault.url, secrets: 'PASSWORD = registry-password' };
    const { of, exitCode } = await consult(place, { ...inputs, 'registry-password': 'secret:PASSWORD' });
    await vault.close();
    expect(exitCode).toBe(0);
    expect(of('secret PASSWORD')).toMatchObject({
      state: 'warning',
      text: expect.stringContaining('in 5 days'),
      hint: expect.stringContaining('az keyvault secret set --vault-name'),
    });
    expect(of(`push ${registry.host}/team/app`).state).toBe('right');
  });

  it('which proxy is used for which host, that it opens no tunnel, and that it is not there', async () => {
    const osv = new URL(place.sandbox.osv.url);
    const hosts = { [osv.host]: osv };
    const environment = { azureTenantId: undefined };
    const inputs = fileInputs(place, `${registry.host}/team/app:1`);
    const proxy = await startForwardProxy({ hosts, login: 'me:a password' });
    const through = await consult(place, inputs, { environment, proxy: parseProxy('HTTPS_PROXY', proxy.address('me:a%20password')) });
    expect(through.of(`network ${osv.host}`).text).toContain(`through the proxy ${proxy.address()} (HTTPS_PROXY)`);
    expect(through.of(`network ${registry.host}`).text).toContain('directly, past the proxy');
    expect(JSON.stringify(through.results)).not.toContain('password"@');
    const wrong = await consult(place, inputs, { environment, proxy: parseProxy('HTTPS_PROXY', proxy.address()) });
    expect(wrong.of(`network ${osv.host}`)).toMatchObject({
      state: 'wrong',
      text: expect.stringContaining('asks for a user and a password'),
    });
    proxy.close();
    const gone = await consult(place, inputs, { environment, proxy: parseProxy('HTTPS_PROXY', proxy.address()) });
    expect(gone.of(`network ${osv.host}`)).toMatchObject({ state: 'wrong', hint: expect.stringContaining('HTTPS_PROXY') });
    expect(gone.of('advisories').state).toBe('skipped');
    const strict = await startForwardProxy({ hosts, status: 403 });
    const closed = await consult(place, inputs, { environment, proxy: parseProxy('HTTPS_PROXY', strict.address()) });
    strict.close();
    expect(closed.of(`network ${osv.host}`)).toMatchObject({ state: 'wrong', hint: expect.stringContaining(`CONNECT to ${osv.host}`) });
  });

  it("the host's own API, which a run can do without", async () => {
    const gone = await place.startRegistry();
    await gone.close();
    const inputs = { advisories: place.sandbox.osv.url };
    const unreachable = await consult(place, inputs, { environment: { azureTenantId: undefined, hostUrl: gone.url } });
    expect(unreachable.of(`network ${gone.host}`)).toMatchObject({ state: 'warning', hint: expect.stringContaining('firewall') });
    expect(unreachable.exitCode).toBe(0);
    // Where the same host is needed for something else, it is needed.
    const needed = await consult(
      place,
      { push: `${gone.host}/a:1`, ...inputs },
      { environment: { azureTenantId: undefined, hostUrl: gone.url } },
    );
    expect(needed.of(`network ${gone.host}`).state).toBe('wrong');
  });

  it('a run that was cancelled ends as one, and not as one that is right', async () => {
    const cancel = new AbortController();
    cancel.abort();
    const world = { cancelled: cancel.signal };
    await expect(consult(place, { advisories: place.sandbox.osv.url }, { world })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('what only some inputs need of the host', async () => {
    const check = (name: string, more: object) => ({
      name,
      needs: [],
      run: async () => ({ state: 'warning' as const, text: 'x' }),
      ...more,
    });
    const hostChecks = [
      check('comment', { input: 'comment', readsToken: true }),
      check('check run', { input: 'annotations' }),
      check('event', {}),
    ];
    const inputs: Readonly<Record<string, string>> = {
      ...vaultInputs(place, `${registry.host}/team/app:1`),
      'github-token': 'secret:NONE',
      annotations: 'false',
    };
    const { of, results } = await consult(place, { ...inputs, secrets: `${inputs.secrets}\nNONE = none` }, { environment: { hostChecks } });
    expect(results.map(({ name }) => name).slice(-2)).toEqual(['comment', 'event']);
    expect(of('comment')).toMatchObject({ state: 'skipped', text: expect.stringContaining('"secret NONE" is wrong') });
    expect(of('event').state).toBe('warning');
    expect(of(`push ${registry.host}/team/app`).state).toBe('right');
  });

  it('that anybody may read what is there, and which tag will be moved', async () => {
    const open = await place.startRegistry({ auth: { kind: 'none' } });
    const inputs = fileInputs(place, `${open.host}/team/app:1`);
    expect(await secureInstead(place, inputs, { environment: { azureTenantId: undefined } })).toBe(0);
    const { of, exitCode } = await consult(place, inputs, { environment: { azureTenantId: undefined } });
    expect(exitCode).toBe(0);
    expect(of(`read ${open.host}/team/app`).text).toContain('1 will be moved');
    expect(of(`anonymous ${open.host}/team/app`).text).toBe('anybody may read it, without a credential');
  });

  it('an image of a registry, where it is and where it is not', async () => {
    const open = await place.startRegistry({ auth: { kind: 'none' } });
    const environment = { azureTenantId: undefined };
    expect(await secureInstead(place, fileInputs(place, `${open.host}/team/app:1`), { environment })).toBe(0);
    const { advisories = '' } = fileInputs(place, 'x/y:1');
    const there = await consult(place, { image: `registry:${open.host}/team/app:1`, advisories }, { environment });
    expect(there.of('image')).toMatchObject({ state: 'right', text: expect.stringMatching(/sha256:[0-9a-f]{64}/) });
    const missing = await consult(place, { image: `registry:${open.host}/team/app:2`, advisories }, { environment });
    expect(missing.of('image')).toMatchObject({ state: 'wrong', code: 'not-found' });
    expect(missing.exitCode).toBe(3);
  });

  it('advisories that are older than the policy allows', async () => {
    await writeFile(join(place.workspace, 'fresh.yml'), 'version: 1\nextends: builtin\nadvisories:\n  max-age: 1d\n');
    const folder = join(place.workspace, 'records/npm');
    await mkdir(folder, { recursive: true });
    const record = {
      id: 'X-1',
      modified: '2024-01-01T00:00:00Z',
      affected: [{ package: { ecosystem: 'npm', name: 'lodash' }, versions: ['4.17.4'] }],
    };
    await writeFile(join(folder, 'all.zip'), writeZip([{ name: 'X-1.json', content: JSON.stringify(record) }]).bytes);
    const inputs = { advisories: 'records', policy: 'fresh.yml' };
    const { of, exitCode } = await consult(place, inputs, { environment: { azureTenantId: undefined } });
    expect(of('advisories')).toMatchObject({
      state: 'wrong',
      text: expect.stringContaining('older than the 1d'),
      hint: expect.stringContaining('mirror'),
    });
    expect(exitCode).toBe(3);
  });
});
