import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { advisoryError } from '../../src/advisory/advisory-error.ts';
import { identityError, vaultError } from '../../src/azure/azure-error.ts';
import { exitCodeOf } from '../../src/command/exit-code.ts';
import { connectionError } from '../../src/host/azure-pipelines/connection-variables.ts';
import { layerRefusal } from '../../src/layer/refusal.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { policyError } from '../../src/policy/policy-error.ts';
import { RegistryError } from '../../src/registry/registry-error.ts';
import { signatureError } from '../../src/sign/signature-error.ts';
import { failureOf } from '../../src/source/source-error.ts';
import { readMarkdown, root, tableRows } from './markdown.ts';

/** Makes the error of a code as its folder does; the codes of a union that is not here have to stand beside an origin in the sources. */
const makers: Readonly<Record<string, (code: never) => StepError>> = {
  AdvisoryErrorCode: (code) => advisoryError(code, '', ''),
  ConnectionErrorCode: (code) => connectionError(code, '', ''),
  IdentityErrorCode: (code) => identityError(code, '', ''),
  LayerErrorCode: (code) => layerRefusal('', code, 0, ''),
  PolicyErrorCode: () => policyError('', []),
  RegistryErrorCode: (code) => new RegistryError({ code, message: '', hint: '' }),
  SignatureErrorCode: (code) => signatureError(code, '', ''),
  SourceErrorCode: (code) => failureOf('')(code, '', ''),
  VaultErrorCode: (code) => vaultError(code, '', ''),
};

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('sandbox'))
  .map((name) => readFileSync(join(root, 'src', name), 'utf8'));

/** Origins by code, from the closed unions and from what is written out where an error is made. */
function codesOfSources(): Map<string, Set<string>> {
  const origins = new Map<string, Set<string>>();
  const add = (code: string, origin: string) => origins.set(code, (origins.get(code) ?? new Set()).add(origin));
  const unions: (readonly [string, string])[] = [];
  for (const text of sources) {
    for (const [, body = ''] of text.matchAll(/new StepError(?:<\w+>)?\(\{(.*?)\n? *\}\)/gs)) {
      const code = /\bcode: '([^']+)'/.exec(body)?.[1];
      const origin = /\borigin: '([^']+)'/.exec(body)?.[1];
      if (code !== undefined && origin !== undefined) add(code, origin);
    }
    for (const [, name = '', members = ''] of text.matchAll(/type (\w*ErrorCode) =([^;]*);/g))
      for (const [, code = ''] of members.matchAll(/'([^']+)'/g)) unions.push([name, code]);
  }
  for (const [name, code] of unions) {
    const make = makers[name];
    if (make !== undefined && !(name === 'LayerErrorCode' && origins.has(code))) add(code, make(code as never).origin);
    else if (!origins.has(code)) throw new Error(`no origin is known for ${code} of ${name}`);
  }
  return origins;
}

const rows = tableRows(readMarkdown('docs/troubleshooting.md').text, 'code');
const codes = codesOfSources();

describe('docs/troubleshooting.md', () => {
  test('lists each code once', () => {
    const listed = rows.map(([code = '']) => code.replaceAll('`', ''));
    expect(listed.filter((code, index) => listed.indexOf(code) !== index)).toEqual([]);
    expect(codes.size).toBeGreaterThan(90);
    expect(listed.sort()).toEqual([...codes.keys()].sort());
  });

  test.each(rows.map((row) => [row[0]?.replaceAll('`', '') ?? '', row] as const))(
    '%s: origin, exit code, meaning and remedy',
    (code, row) => {
      const [, origin = '', exit = '', meaning = '', remedy = ''] = row;
      expect(row).toHaveLength(5);
      expect(origin.split(', ').sort()).toEqual([...(codes.get(code) ?? [])].sort());
      for (const one of codes.get(code) ?? []) {
        const error = new StepError({ code, origin: one as StepError['origin'], message: '', hint: '' });
        expect(`${exitCodeOf(error)}`).toBe(exit);
      }
      expect(meaning).not.toBe('');
      expect(remedy).not.toBe('');
    },
  );
});
