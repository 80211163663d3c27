import type { MisconfigurationFinding, SecretFinding } from '../model/finding.ts';
import { type ImageConfig, platformText } from '../model/image.ts';
import { toFingerprint } from './fingerprint.ts';
import { findSecretVariables, type SecretVariable } from './misconfig/config-variables.ts';
import { runsAsRoot } from './misconfig/root-user.ts';
import { configSecretRemedy } from './remedies.ts';
import { type ConfigPlace, findConfigSecrets } from './secrets/config-secrets.ts';
import { toTrace } from './secrets/secret-inspector.ts';

/** What is wrong with an image's configuration; `superusers` are the names of root in its `etc/passwd`. */
export function toConfigFindings(config: ImageConfig, superusers: readonly string[]): readonly (SecretFinding | MisconfigurationFinding)[] {
  const platforms = [platformText(config.platform)];
  const secrets = findConfigSecrets(config);
  const findings = secrets.map(({ match, place }): SecretFinding => {
    const trace = toTrace(match);
    return {
      kind: 'secret',
      fingerprint: toFingerprint('secret', match.rule, placeText(place), trace.fingerprint),
      severity: match.severity,
      title: `${match.title} in ${placeText(place)}`,
      remedy: configSecretRemedy(match.rule, place.kind),
      path: undefined,
      layer: undefined,
      platforms,
      rule: match.rule,
      preview: trace.preview,
      line: undefined,
      deletedLater: false,
    };
  });
  const isTold = ({ value }: SecretVariable): boolean =>
    secrets.some(
      ({ match }) =>
        value.includes(match.secret) || match.secret.includes(value) || match.secret.split(':').some((part) => value.includes(part)),
    );
  return [
    ...findings,
    ...findSecretVariables(config).flatMap((variable) => (isTold(variable) ? [] : [toVariableFinding(variable, platforms)])),
    ...(runsAsRoot(config, superusers) ? [rootFinding(config, platforms)] : []),
  ];
}

function placeText(place: ConfigPlace): string {
  switch (place.kind) {
    case 'env':
      return `ENV ${place.name}`;
    case 'label':
      return `LABEL ${place.name}`;
    case 'history':
      return 'the image’s history';
  }
}

function toVariableFinding({ name, place }: SecretVariable, platforms: readonly string[]): MisconfigurationFinding {
  const where = { env: `ENV ${name}`, argument: `the build argument ${name}`, history: `ENV ${name} of an earlier instruction` }[place];
  return {
    kind: 'misconfiguration',
    fingerprint: toFingerprint('misconfiguration', 'secret-in-env', place, name),
    severity: 'high',
    title: `${where} holds what looks like a secret`,
    remedy: configSecretRemedy('', place === 'env' ? 'env' : 'history'),
    path: undefined,
    layer: undefined,
    platforms,
    rule: 'secret-in-env',
  };
}

function rootFinding({ user }: ImageConfig, platforms: readonly string[]): MisconfigurationFinding {
  return {
    kind: 'misconfiguration',
    fingerprint: toFingerprint('misconfiguration', 'root-user'),
    severity: 'medium',
    title: user === '' ? 'The image runs as root: it has no USER' : `The image runs as root: its USER is ${user.slice(0, 64)}`,
    remedy:
      'Add a user in the Dockerfile and end with USER and its numeric id, e.g. USER 10001, so that the platform can check runAsNonRoot.',
    path: undefined,
    layer: undefined,
    platforms,
    rule: 'root-user',
  };
}
