import type { Fields } from './fields.ts';
import type { Attestation, SigningSettings, SigningSystem } from './settings.ts';

const systems: readonly SigningSystem[] = ['notation', 'cosign'];
export const attestations: readonly Attestation[] = ['sbom', 'provenance', 'scan', 'verdict'];

/** The inputs that say who signs what and how; undefined where nothing is to be signed. */
export function parseSigning(fields: Fields): SigningSettings | undefined {
  const key = fields.text('signing-key');
  const password = fields.credential('signing-key-password');
  const chosen = parseItems(fields, 'sign', systems);
  if (chosen !== undefined && chosen.length > 0 && key === undefined) return fields.missing('signing-key');
  if (key === undefined || chosen?.length === 0) return undefined;
  const signs = chosen ?? [key === 'keyless' ? 'cosign' : 'notation'];
  if (key === 'keyless' && signs.includes('notation'))
    fields.invalid('sign', '"notation" with the signing-key keyless', 'cosign: only cosign signs without a key');
  return {
    key,
    systems: signs,
    password,
    format: fields.choice('signature-format', ['jws', 'cose']) ?? 'jws',
    lifetimeMs: parseLifetime(fields),
    metadata: parseMetadata(fields),
    timestampUrl: parseUrl(fields, 'timestamp-url'),
    timestampCertificate: fields.text('timestamp-certificate'),
    cosignFormat: fields.choice('cosign-format', ['bundle', 'legacy', 'both']) ?? 'bundle',
    fulcioUrl: parseUrl(fields, 'fulcio-url'),
    rekorUrl: parseUrl(fields, 'rekor-url'),
    trustedRoot: fields.text('trusted-root'),
    attest: parseItems(fields, 'attest', attestations) ?? attestations,
    referrers: fields.choice('referrers', ['auto', 'api', 'both']) ?? 'auto',
    prune: fields.flag('prune-evidence', false),
  };
}

/** The items of a list of choices, each once and in their own order; none for `none`, undefined where it is not given. */
function parseItems<Item extends string>(fields: Fields, name: 'sign' | 'attest', accepted: readonly Item[]): readonly Item[] | undefined {
  const items = fields.list(name).map((item) => item.toLowerCase());
  if (items.length === 0) return undefined;
  if (items.every((item) => item === 'none')) return [];
  const unknown = items.find((item) => !accepted.some((choice) => choice === item));
  if (unknown !== undefined) fields.invalid(name, JSON.stringify(unknown), `${accepted.join(', ')}, one a line, or none alone`);
  return accepted.filter((choice) => items.includes(choice));
}

const hourMs = 3_600_000;

function parseLifetime(fields: Fields): number | undefined {
  const text = fields.text('signature-expiry');
  if (text === undefined) return undefined;
  const match = /^([1-9][0-9]{0,4})([hd])$/.exec(text);
  if (match === null) return fields.invalid('signature-expiry', JSON.stringify(text), 'a number of hours or days, e.g. 12h or 90d');
  return Number(match[1]) * (match[2] === 'd' ? 24 : 1) * hourMs;
}

function parseMetadata(fields: Fields): ReadonlyMap<string, string> {
  const pairs = fields.list('signature-metadata').map((line) => {
    const [, name, value] = /^([^=\s]+)=(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return fields.invalid('signature-metadata', JSON.stringify(line), 'NAME=VALUE lines');
    if (/^io\.cncf\.notary/i.test(name))
      return fields.invalid('signature-metadata', JSON.stringify(line), 'names that do not begin with io.cncf.notary, which is reserved');
    return [name, value] as const;
  });
  const names = pairs.map(([name]) => name);
  const doubled = names.find((name, index) => names.indexOf(name) !== index);
  if (doubled !== undefined) fields.invalid('signature-metadata', `${JSON.stringify(doubled)} twice`, 'each name once');
  return new Map(pairs);
}

function parseUrl(fields: Fields, name: 'timestamp-url' | 'fulcio-url' | 'rekor-url'): string | undefined {
  const text = fields.text(name);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.hash !== '')
    return fields.invalid(name, JSON.stringify(text), 'an https URL (http for a timestamp authority, whose answers are signed)');
  return text;
}
