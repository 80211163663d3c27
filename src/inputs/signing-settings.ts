import { readServiceUrl } from '../lib/service-url.ts';
import type { Fields } from './fields.ts';
import type { SigningSettings, SigningSystem, SigstoreSettings } from './settings.ts';
import type { InputName } from './table.ts';

const systems: readonly SigningSystem[] = ['notation', 'cosign'];

/** The inputs that say who signs what and how; undefined where nothing is to be signed. */
export function parseSigning(fields: Fields): SigningSettings | undefined {
  const key = fields.text('signing-key');
  const password = fields.credential('signing-key-password');
  const chosen = fields.choices('sign', systems);
  if (chosen !== undefined && chosen.length > 0 && key === undefined) return fields.missing('signing-key');
  if (key === undefined || chosen?.length === 0) return undefined;
  const isKeyless = key === 'keyless';
  if (isKeyless && chosen?.includes('notation'))
    fields.invalid(
      'sign',
      '"notation" where signing-key is keyless',
      'cosign, since signatures of the Notary Project are by a key with a certificate of your own',
    );
  const signed: readonly SigningSystem[] = chosen ?? [isKeyless ? 'cosign' : 'notation'];
  return {
    key,
    systems: signed,
    password,
    format: fields.choice('signature-format', ['jws', 'cose']) ?? 'jws',
    lifetimeMs: parseDuration('signature-expiry', fields),
    metadata: parseMetadata(fields),
    cosignFormat: fields.choice('cosign-format', ['bundle', 'legacy', 'both']) ?? 'bundle',
    timestamp: parseTimestamp(fields, signed),
    sigstore: parseSigstore(fields),
  };
}

/** A private instance is trusted by no root that this program has. */
function parseSigstore(fields: Fields): SigstoreSettings {
  const file = fields.text('signing-config');
  const fulcioUrl = parseUrl(fields, 'fulcio-url');
  const rekorUrl = parseUrl(fields, 'rekor-url');
  const trustedRoot = fields.text('trusted-root');
  const serviceConnection = fields.text('azure-service-connection');
  if (file !== undefined) {
    if ((fulcioUrl ?? rekorUrl) !== undefined)
      fields.invalid('signing-config', JSON.stringify(file), 'none beside fulcio-url or rekor-url, for it names all services');
    return { services: { kind: 'signing-config', file }, trustedRoot, serviceConnection };
  }
  if ((fulcioUrl ?? rekorUrl) !== undefined && trustedRoot === undefined) return fields.missing('trusted-root');
  const services = {
    kind: 'urls',
    fulcioUrl: fulcioUrl ?? 'https://fulcio.sigstore.dev',
    rekorUrl: rekorUrl ?? 'https://rekor.sigstore.dev',
  } as const;
  return { services, trustedRoot, serviceConnection };
}

function parseUrl(fields: Fields, name: 'fulcio-url' | 'rekor-url'): string | undefined {
  const text = fields.text(name);
  if (text === undefined) return undefined;
  return readServiceUrl(text) ?? fields.invalid(name, JSON.stringify(text), 'an https URL (http on this machine alone), without a query');
}

const hourMs = 3_600_000;

/** `12h`, `90d`; in milliseconds. */
export function parseDuration(name: InputName, fields: Fields): number | undefined {
  const text = fields.text(name);
  if (text === undefined) return undefined;
  const match = /^([1-9][0-9]{0,4})([hd])$/.exec(text);
  if (match === null) return fields.invalid(name, JSON.stringify(text), 'a number of hours or days, e.g. 12h or 90d');
  return Number(match[1]) * (match[2] === 'd' ? 24 : 1) * hourMs;
}

/** Neither is worth anything without the other, and nothing that was asked for is left out without a word. */
function parseTimestamp(fields: Fields, signed: readonly SigningSystem[]): SigningSettings['timestamp'] {
  const text = fields.text('timestamp-url');
  const rootFile = fields.text('timestamp-certificate');
  if (text === undefined) return rootFile === undefined ? undefined : fields.missing('timestamp-url');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    return fields.invalid(
      'timestamp-url',
      JSON.stringify(text),
      'an http or https URL without user and password, e.g. http://timestamp.digicert.com',
    );
  if (!signed.includes('notation'))
    return fields.invalid(
      'timestamp-url',
      JSON.stringify(text),
      'none where sign is cosign alone; add notation to sign, or take timestamp-url away',
    );
  if (rootFile === undefined) return fields.missing('timestamp-certificate');
  return { url, rootFile };
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
