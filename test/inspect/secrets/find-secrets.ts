import { makeSecretInspector } from '../../../src/inspect/secrets/secret-inspector.ts';
import type { SecretObservation } from '../../../src/model/observation.ts';
import { inspectFiles } from '../inspect-files.ts';

/** What the inspector finds in one file of a layer. */
export function findSecrets(content: string | Buffer, path = 'srv/app/.env', partBytes?: number): readonly SecretObservation[] {
  const observations = inspectFiles([makeSecretInspector()], { [path]: content }, partBytes);
  return observations.filter((observation): observation is SecretObservation => observation.kind === 'secret');
}

export function rulesIn(content: string | Buffer, path?: string): readonly string[] {
  return findSecrets(content, path).map(({ rule }) => rule);
}
