import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { acceptedKeys } from '../../src/lib/signature-algorithm.ts';
import { keyVaultCertificatePolicy } from '../../src/sign/notary/certificate-chain.ts';
import { parseSigningKey } from '../../src/sign/signing-key.ts';
import { readMarkdown, root } from './markdown.ts';

const { text, blocks } = readMarkdown('docs/signing.md');

describe('docs/signing.md', () => {
  test('shows the policy that the step gives for a certificate of a vault', () => {
    const block = blocks.find(({ language, heading }) => language === 'json' && heading === 'A self-signed certificate');
    const shown = JSON.parse(block?.text ?? '{}') as ReturnType<typeof keyVaultCertificatePolicy>;
    const given = keyVaultCertificatePolicy([]);
    const { subject } = shown.x509CertificateProperties;
    expect(shown).toEqual({ ...given, x509CertificateProperties: { ...given.x509CertificateProperties, subject } });
    // notation takes identities with these three alone.
    for (const part of ['C=', 'ST=', 'O=']) expect(subject).toContain(part);
  });

  test('names the roles and keys that the sources name', () => {
    const roles = /const roles = \{(.*?)\}/s.exec(readFileSync(join(root, 'src/azure/vault-error.ts'), 'utf8'))?.[1] ?? '';
    const byOperation = new Map([...roles.matchAll(/'([\w ]+)': '([\w ]+)'/g)].map(([, operation, role]) => [operation, role]));
    const credentials = readMarkdown('docs/credentials.md').text;
    for (const operation of ['certificate get', 'key sign']) expect(text).toContain(`--role "${byOperation.get(operation)}"`);
    expect(credentials).toContain(`--role "${byOperation.get('secret get')}"`);
    expect(text).toContain(`Keys are ${acceptedKeys}`);
  });

  test('shows forms of signing-key that are taken', () => {
    const forms = [...text.matchAll(/(?:--signing-key |signing-key: )(\S+)/g)].map(([, form = '']) => form);
    const quoted = [...text.matchAll(/`(https:\/\/example-vault\.vault\.azure\.net\/\S+?)`/g)].map(([, form = '']) => form);
    expect(forms.length + quoted.length).toBeGreaterThanOrEqual(4);
    for (const form of [...forms, ...quoted]) expect(() => parseSigningKey(form), form).not.toThrow();
  });
});
