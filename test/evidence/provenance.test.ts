import { expect, test } from 'vitest';
import { toProvenance } from '../../src/evidence/provenance.ts';
import type { BuildRun } from '../../src/model/build-run.ts';

const run: BuildRun = {
  buildType: 'https://example.com/type',
  builder: 'https://example.com/builder',
  invocation: 'https://example.com/run/1',
  externalParameters: { workflow: { path: 'a.yml' } },
  internalParameters: { github: { event_name: 'push' } },
  source: { uri: 'git+https://example.com/shop@refs/heads/main', commit: 'a1'.repeat(20) },
};

test('provenance has what the host says in the words of SLSA, and no times of a build that the step has not seen', () => {
  expect(toProvenance(run, '1.0.0')).toEqual({
    buildDefinition: {
      buildType: 'https://example.com/type',
      externalParameters: { workflow: { path: 'a.yml' } },
      internalParameters: { github: { event_name: 'push' } },
      resolvedDependencies: [{ uri: 'git+https://example.com/shop@refs/heads/main', digest: { gitCommit: 'a1'.repeat(20) } }],
    },
    runDetails: {
      builder: { id: 'https://example.com/builder', version: { 'image-custody': '1.0.0' } },
      metadata: { invocationId: 'https://example.com/run/1' },
    },
  });
});

test('where the host names no source, none is named', () => {
  expect(toProvenance({ ...run, source: undefined }, '1.0.0')).toMatchObject({ buildDefinition: { resolvedDependencies: [] } });
});
