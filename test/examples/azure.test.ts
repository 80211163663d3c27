import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keyVaultCertificatePolicy } from '../../src/sign/notary/certificate-chain.ts';
import { readMarkdown, root, tableRows } from '../docs/markdown.ts';

const folder = join(root, 'examples/azure');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const names = readdirSync(folder);
const scripts = names.filter((name) => name.endsWith('.sh'));
const templates = names.filter((name) => name.endsWith('.bicep'));
const { text } = readMarkdown('docs/roles.md');
const rows = tableRows(text, 'feature');

/** Of the published list: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
const builtIn: Readonly<Record<string, string>> = {
  AcrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d',
  AcrPush: '8311e382-0749-4cb8-b61a-304f252e45ec',
  'Container Registry Repository Reader': 'b93aa761-3e63-49ed-ac28-beffa264f7ac',
  'Container Registry Repository Writer': '2a1e307c-b015-4ebd-883e-5b7698a07328',
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6',
};
const signerActions = ['Microsoft.KeyVault/vaults/certificates/read', 'Microsoft.KeyVault/vaults/keys/sign/action'];

describe('examples/azure', () => {
  test.each(scripts)('%s is a script that bash reads, stops at the first failure and names what it wants', (name) => {
    execFileSync('bash', ['-n', join(folder, name)]);
    const script = read(name);
    expect(script).toContain('set -euo pipefail');
    const own = [...script.matchAll(/(?:^\s*|for |\) )([A-Z_]+)(?:=| in )/gm)].map(([, variable]) => variable);
    const wanted = [...script.matchAll(/"\$\{([A-Z_]+|1):\?[^}]+\}"/g)].map(([, variable]) => variable);
    const defaults = [...script.matchAll(/\$\{([A-Z_]+):-/g)].map(([, variable]) => variable);
    const used = [...script.matchAll(/\$\{?([A-Z_]{2,})/g)].map(([, variable]) => variable);
    expect(wanted.length).toBeGreaterThan(0);
    expect(used.filter((variable) => ![...own, ...wanted, ...defaults].includes(variable))).toEqual([]);
    // What it is called with in its first lines is what it wants.
    const usage = /^#\s{3}(.*\.sh.*)$/m.exec(script)?.[1] ?? '';
    expect([...usage.matchAll(/([A-Z_]+)=/g)].map(([, variable]) => variable)).toEqual(wanted.filter((variable) => variable !== '1'));
  });

  test('a secret is never an argument of a program', () => {
    for (const name of scripts) expect(read(name), name).not.toMatch(/--(?:value|password|secret) "?\$/);
  });

  test('every role is one of the published list by name and id, or the one that is made here', () => {
    const ids = templates.flatMap((name) => [...read(name).matchAll(/'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'[^/\n]*\/\/ (.+)$/gm)]);
    expect(ids.length).toBe(5);
    for (const [, id = '', role = ''] of ids) expect(builtIn[role], role).toBe(id);
    const named = scripts.flatMap((name) =>
      [...read(name).matchAll(/(?:--role |ROLE=)(?:"([^"$]+)"|([A-Za-z]+))/g)].map(([, a, b]) => a ?? b ?? ''),
    );
    expect(new Set(named)).toEqual(new Set([...Object.keys(builtIn), 'Image Custody Signer']));
  });

  test('the role that signs has exactly the two data actions, and no other file grants more', () => {
    const role = JSON.parse(read('signing-role.json')) as { DataActions: string[]; Actions: string[]; Name: string };
    expect(role).toMatchObject({ Name: 'Image Custody Signer', Actions: [], DataActions: signerActions });
    const inTemplates = templates.flatMap((name) => [...read(name).matchAll(/dataActions: \[([^\]]*)\]/g)].map(([, list = '']) => list));
    expect(
      inTemplates
        .join(' ')
        .match(/Microsoft\.[\w/]+/g)
        ?.sort(),
    ).toEqual(signerActions);
    const script = read('vault-signing.sh');
    expect(script).toContain('--certificate-permissions get --key-permissions sign\n');
    for (const action of signerActions) expect(text).toContain(`\`${action}\``);
  });

  test('the policy of the certificate is the one that the step gives', () => {
    const policy = JSON.parse(read('signing-policy.json')) as ReturnType<typeof keyVaultCertificatePolicy>;
    const given = keyVaultCertificatePolicy([]);
    const { subject } = policy.x509CertificateProperties;
    expect(policy).toEqual({ ...given, x509CertificateProperties: { ...given.x509CertificateProperties, subject } });
  });

  test('the condition on a repository is the same in both', () => {
    const inScript = /CONDITION="([^"]*)"/.exec(read('registry-push.sh'))?.[1]?.replaceAll('$BASE', 'B').replaceAll('$REPOSITORY', 'R');
    const inTemplate = /var condition = '(.*)'\n/
      .exec(read('registry.bicep'))?.[1]
      ?.replaceAll('${base}', 'B')
      .replaceAll('${repository}', 'R');
    expect(inTemplate?.replaceAll("\\'", "'")).toBe(inScript);
    expect(inScript?.match(/ActionMatches\{'B\/\w+\/\w+'\}/g)).toHaveLength(4);
  });

  test('the scope map is the same in both', () => {
    const actions = ['content/read', 'content/write', 'metadata/read'];
    expect(read('registry-token.sh')).toContain(`--repository "$REPOSITORY" ${actions.join(' ')}\n`);
    expect([...read('registry-token.bicep').matchAll(/'repositories\/\$\{repository\}\/([\w/]+)'/g)].map(([, action]) => action)).toEqual(
      actions,
    );
  });

  test('docs/roles.md names each file, and files that are there', () => {
    const listed = rows.flatMap((row) =>
      [
        ...row
          .slice(3)
          .join(' ')
          .matchAll(/`([\w-]+\.(?:sh|bicep))`/g),
      ].map(([, name = '']) => name),
    );
    expect(listed.filter((name) => !existsSync(join(folder, name)))).toEqual([]);
    expect(new Set(listed)).toEqual(new Set([...scripts, ...templates]));
    for (const role of Object.keys(builtIn)) expect(text).toContain(`\`${role}\``);
  });

  test('hints of the sources name roles that docs/roles.md has', () => {
    const sources = ['azure', 'registry'].flatMap((stage) => {
      const files = readdirSync(join(root, 'src', stage)).filter((name) => name.endsWith('.ts'));
      return files.map((name) => readFileSync(join(root, 'src', stage, name), 'utf8'));
    });
    const hinted = new Set(
      [...sources.join('\n').matchAll(/'(Acr(?:Push|Pull)|Key Vault [A-Z][\w ]+|Container Registry Repository \w+)'/g)].map(
        ([, role = '']) => role,
      ),
    );
    expect(hinted.size).toBeGreaterThanOrEqual(7);
    for (const role of hinted) expect(text, role).toContain(`\`${role}\``);
  });
});
