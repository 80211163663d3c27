import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../src/attribution/dockerfile.ts';
import { toFindings } from '../../src/inspect/findings.ts';
import { allInspectors, databasePaths } from '../../src/inspect/inspectors.ts';
import { osReleasePaths } from '../../src/inspect/inventory/os-release.ts';
import { rpmDatabaseLimitBytes } from '../../src/inspect/inventory/rpm/rpm-database.ts';
import { toEndOfLifeFindings } from '../../src/inspect/misconfig/end-of-life.ts';
import { wholeFileLimitBytes } from '../../src/layer/inspector.ts';
import { entryBudget } from '../../src/layer/layer-tree.ts';
import { defaultLayerLimits } from '../../src/layer/limits.ts';
import { gapCodes } from '../../src/model/finding.ts';
import { maxManifestBytes } from '../../src/registry/manifest.ts';
import { configMaxBytes, manifestMaxBytes } from '../../src/source/document.ts';
import { inspectFiles, placeLayers } from '../inspect/inspect-files.ts';
import { awsId, awsSecret, azureKey, githubToken, rsa, rsaPkcs8, sharedAccessKey } from '../inspect/secrets/made-secrets.ts';
import { readMarkdown, root, tableRows } from './markdown.ts';

const { text } = readMarkdown('docs/inspection.md');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const inspectors = readdirSync(join(root, 'src/inspect'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read(join('src/inspect', name)));

function codes(firstTitle: string): readonly string[] {
  return tableRows(text, firstTitle).map(([cell = '']) => cell.replaceAll('`', ''));
}

describe('docs/inspection.md', () => {
  test('has the rules that the inspectors have', () => {
    const rules = inspectors.flatMap((source) =>
      [...source.matchAll(/\brule: (?:[\w.]+ \? )?'([^']+)'(?: : '([^']+)')?/g)].flatMap(([, one, other]) => [one, other]),
    );
    const named = new Set(rules.filter((rule) => rule !== undefined));
    expect(named.size).toBeGreaterThan(10);
    expect([...codes('rule')].sort()).toEqual([...named].sort());
  });

  test('has the kind and severity that each rule gives', () => {
    const encrypted = rsa.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
    const signature = encodeURIComponent(sharedAccessKey);
    const files = {
      'a/key.pem': rsaPkcs8,
      'b/key.pem': encrypted,
      'a/credentials': `aws_access_key_id = ${awsId}\naws_secret_access_key = ${awsSecret}\n`,
      'b/credentials': `the key in use is ${awsId} and nothing else\n`,
      'a/token': `GITHUB_TOKEN=${githubToken('ghp_')}\n`,
      'a/storage': `AccountName=shop;AccountKey=${azureKey};EndpointSuffix=core.windows.net\n`,
      'a/bus': `Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey=${sharedAccessKey}\n`,
      'a/url': `https://shop.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig=${signature}\n`,
      'a/eicar.com': `${'X5O!P%@AP[4\\PZX54(P^)7CC)7}$'}EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`,
    };
    const config = {
      platform: { os: 'linux', architecture: 'amd64' },
      diffIds: [],
      history: [],
      user: '',
      env: [`SHOP_PASSWORD=${awsSecret.slice(0, 12)}`],
      labels: {},
    };
    const placed = placeLayers(inspectFiles(allInspectors(), { ...files, 'etc/os-release': 'ID=debian\nVERSION_ID=9\n' }));
    const findings = [...toFindings(placed, config), ...toEndOfLifeFindings(placed, [], new Date('2026-11-24'))];
    const given = findings.flatMap((finding) =>
      finding.kind === 'vulnerability' ? [] : [`${finding.rule} ${finding.kind} ${finding.severity}`],
    );
    const stated = tableRows(text, 'rule').map(([rule = '', kind, severity]) => `${rule.replaceAll('`', '')} ${kind} ${severity}`);
    expect([...new Set(given)].sort()).toEqual([...stated].sort());
  });

  test('has the codes of coverage gaps, and so has docs/policy.md', () => {
    expect(codes('code')).toEqual(gapCodes);
    expect(tableRows(readMarkdown('docs/policy.md').text, 'code').map(([code = '']) => code.replaceAll('`', ''))).toEqual(gapCodes);
  });

  test('has the limits of the sources', () => {
    const limits = defaultLayerLimits;
    const stated = tableRows(text, 'limit of').map(([, value = '']) => Number(value.replaceAll(',', '')));
    expect(stated).toEqual([
      limits.maxEntries,
      entryBudget().remaining,
      limits.maxNameBytes,
      limits.maxSpecialBytes,
      limits.maxHoleBytes,
      limits.maxInflatedBytes,
      limits.maxInflationRatio,
      limits.maxWindowBytes,
      wholeFileLimitBytes,
      rpmDatabaseLimitBytes,
      manifestMaxBytes,
      configMaxBytes,
      256 * 1024,
    ]);
    expect(maxManifestBytes).toBe(manifestMaxBytes);
    expect(text).toContain(`beyond ${limits.ratioFreeBytes / 1024 ** 2} MiB`);
    expect(parseDockerfile(`FROM a\n${' '.repeat(256 * 1024)}`)).toEqual([]);
    expect(parseDockerfile(`FROM a\n${' '.repeat(255 * 1024)}`)).toHaveLength(1);
  });

  test('names each database, and each ecosystem whose versions can be ordered', () => {
    for (const path of [...databasePaths, ...osReleasePaths]) expect(text).toContain(path);
    const orders = /versionOrders[^=]*= \{(.*?)\n\};/s.exec(read('src/advisory/ecosystem.ts'))?.[1] ?? '';
    const ecosystems = [...orders.matchAll(/^ {2}'?([\w. ]+?)'?: /gm)].map(([, name = '']) => name);
    expect(ecosystems.length).toBeGreaterThan(8);
    const sentence = /^Packages are matched with advisories of (.*?)\. /ms.exec(text)?.[1] ?? '';
    expect(sentence.split(/,\s+| and /).sort()).toEqual(ecosystems.sort());
  });
});
