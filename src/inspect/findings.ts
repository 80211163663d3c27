import type { Finding, MalwareFinding, SecretFinding } from '../model/finding.ts';
import { type ImageConfig, platformText } from '../model/image.ts';
import type { Observation, PlacedObservation } from '../model/observation.ts';
import { toConfigFindings } from './config-findings.ts';
import { toFingerprint } from './fingerprint.ts';
import { secretRemedy } from './remedies.ts';

/**
 * Secrets and malware of all layers, and what is wrong with the image's configuration. One finding for each secret in each path: the same
 * content under the same path in several layers is one, of the lowest layer that has it, and `deletedLater` only where no copy survives; another
 * path is another finding, for it has to be removed there too.
 */
export function toFindings(placed: readonly PlacedObservation[], config: ImageConfig): readonly Finding[] {
  const platforms = [platformText(config.platform)];
  const superusers = placed.flatMap(({ survives, observation }) =>
    survives && observation.kind === 'superusers' ? observation.names : [],
  );
  return [...toSecretFindings(placed, platforms), ...toMalwareFindings(placed, platforms), ...toConfigFindings(config, superusers)];
}

function toSecretFindings(placed: readonly PlacedObservation[], platforms: readonly string[]): readonly SecretFinding[] {
  return onePerKey(placed, 'secret', ({ path, fingerprint }) => [path, fingerprint]).map(({ layer, survives, observation }) => {
    const { path, rule, title, severity, line, preview, fingerprint } = observation;
    return {
      kind: 'secret',
      fingerprint: toFingerprint('secret', rule, path, fingerprint),
      severity,
      title,
      remedy: secretRemedy(rule, !survives),
      path,
      layer,
      platforms,
      rule,
      preview,
      line,
      deletedLater: !survives,
    };
  });
}

function toMalwareFindings(placed: readonly PlacedObservation[], platforms: readonly string[]): readonly MalwareFinding[] {
  return onePerKey(placed, 'malware', ({ path, rule }) => [path, rule]).map(({ layer, survives, observation }) => {
    const { path, rule, title } = observation;
    return {
      kind: 'malware',
      fingerprint: toFingerprint('malware', rule, path),
      severity: 'critical',
      title,
      remedy: survives
        ? 'Remove the file from the build context and find out how it came there.'
        : 'Remove the file from the build context: the later instruction that deletes it leaves it in its layer. Find out how it came there.',
      path,
      layer,
      platforms,
      rule,
      deletedLater: !survives,
    };
  });
}

type OfKind<K extends Observation['kind']> = PlacedObservation<Extract<Observation, { kind: K }>>;

/** The lowest of the observations with the same key; it survives where any of them does. */
function onePerKey<K extends Observation['kind']>(
  placed: readonly PlacedObservation[],
  kind: K,
  toKey: (observation: Extract<Observation, { kind: K }>) => readonly string[],
): readonly OfKind<K>[] {
  const kept = new Map<string, OfKind<K>>();
  const ofKind = placed.filter((item): item is OfKind<K> => item.observation.kind === kind);
  for (const item of [...ofKind].sort((a, b) => a.layer - b.layer)) {
    const key = JSON.stringify(toKey(item.observation));
    const known = kept.get(key);
    kept.set(key, known === undefined ? item : { ...known, survives: known.survives || item.survives });
  }
  return [...kept.values()];
}
