import * as v from 'valibot';
import { readServiceUrl } from '../../lib/service-url.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';
import { signatureError } from '../signature-error.ts';

/** Who signs, logs and countersigns in this run. */
export interface SigstoreServices {
  /** URL of the certificate authority. None of these ends with a slash. */
  readonly fulcioUrl: string;
  /** Each of them gets the signature. */
  readonly logs: readonly SigstoreLog[];
  /** URLs of authorities of RFC 3161, each of which says when it was. */
  readonly timestampUrls: readonly string[];
}

export interface SigstoreLog {
  readonly url: string;
  /** Of Rekor. The first one says the time of an entry, the second one does not. */
  readonly version: LogVersion;
}

export type LogVersion = 1 | 2;

const time = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.transform((text) => new Date(text).getTime()),
);
const serviceShape = v.object({
  url: v.string(),
  majorApiVersion: v.number(),
  validFor: v.optional(v.object({ start: v.optional(time), end: v.optional(time) }), {}),
  operator: v.optional(v.string(), ''),
});
const selectionShape = v.object({ selector: v.picklist(['ALL', 'ANY', 'EXACT']), count: v.optional(v.number(), 0) });
const configShape = v.object({
  mediaType: v.literal('application/vnd.dev.sigstore.signingconfig.v0.2+json'),
  caUrls: v.pipe(v.array(serviceShape), v.minLength(1)),
  rekorTlogUrls: v.optional(v.array(serviceShape), []),
  rekorTlogConfig: v.optional(selectionShape),
  tsaUrls: v.optional(v.array(serviceShape), []),
  tsaConfig: v.optional(selectionShape),
});

type Service = v.InferOutput<typeof serviceShape>;
type Selection = v.InferOutput<typeof selectionShape>;

/**
 * The services of a `signing_config.v0.2.json` that are in use now, chosen as sigstore-go chooses them. Of logs only those of `logVersions`. Throws a StepError of
 * origin `input`. https://github.com/sigstore/protobuf-specs/blob/v0.5.1/protos/sigstore_trustroot.proto, SigningConfig
 */
export function parseSigningConfig(name: string, bytes: Uint8Array, now: Date, logVersions: readonly LogVersion[]): SigstoreServices {
  const { caUrls, rekorTlogUrls, rekorTlogConfig, tsaUrls, tsaConfig } = readConfig(name, bytes);
  const [authority] = findCurrent(caUrls, [1], now);
  if (authority === undefined) throw refused(name, 'none of its caUrls is in use now, by a version that is known here');
  const logs = select(name, rekorTlogUrls, 'rekorTlogUrls', rekorTlogConfig, logVersions, now);
  const timestamps = select(name, tsaUrls, 'tsaUrls', tsaConfig, [1], now);
  if (timestamps.length === 0 && !logs.some(({ majorApiVersion }) => majorApiVersion === 1))
    throw refused(name, 'nothing in it says when something was signed: neither tsaUrls nor a log of version 1');
  return {
    fulcioUrl: toUrl(name, authority),
    logs: logs.map((log) => ({ url: toUrl(name, log), version: log.majorApiVersion === 1 ? 1 : 2 })),
    timestampUrls: timestamps.map((service) => toUrl(name, service)),
  };
}

function readConfig(name: string, bytes: Uint8Array): v.InferOutput<typeof configShape> {
  try {
    return v.parse(configShape, parseStrictJson(bytes));
  } catch (error) {
    if (error instanceof v.ValiError) throw refused(name, `what stands at ${v.getDotPath(error.issues[0]) ?? 'its top'} is wrong`);
    throw refused(name, error instanceof Error ? error.message : 'it is no JSON');
  }
}

/** None where none are named. */
function select(
  name: string,
  services: readonly Service[],
  field: string,
  selection: Selection | undefined,
  versions: readonly number[],
  now: Date,
): readonly Service[] {
  if (services.length === 0) return [];
  const current = findCurrent(services, versions, now);
  const { selector, count } = selection ?? { selector: undefined, count: 0 };
  if (selector === undefined) throw refused(name, `it does not say how many of its ${field} to take`);
  const wanted = selector === 'ALL' ? current.length : selector === 'ANY' ? 1 : count;
  if (wanted === 0 || current.length < wanted)
    throw refused(
      name,
      `of its ${field} ${current.length} are in use now, by a version that can be used here (${versions.join(', ')}), and ${wanted || 'one'} is asked for`,
    );
  return current.slice(0, wanted);
}

/** Those of the highest version that anybody has: of each operator the newest one. */
function findCurrent(services: readonly Service[], versions: readonly number[], now: Date): readonly Service[] {
  const valid = services
    .filter(({ validFor: { start = 0, end = Number.POSITIVE_INFINITY } }) => start <= now.getTime() && now.getTime() <= end)
    .toSorted((one, other) => (other.validFor.start ?? 0) - (one.validFor.start ?? 0));
  const best = Math.max(...valid.map(({ majorApiVersion }) => majorApiVersion).filter((version) => versions.includes(version)));
  const newest = new Map<string, Service>();
  for (const service of valid) {
    if (service.majorApiVersion === best && !newest.has(service.operator)) newest.set(service.operator, service);
  }
  return [...newest.values()];
}

function toUrl(name: string, { url }: Service): string {
  const read = readServiceUrl(url);
  if (read === undefined) throw refused(name, `${JSON.stringify(url)} is no https URL (http on this machine alone)`);
  return read;
}

function refused(name: string, reason: string) {
  return signatureError(
    'signing-config',
    `Cannot use the signing configuration ${name}: ${reason}`,
    'Give the signing_config.v0.2.json of the Sigstore instance: its TUF repository has it, and `cosign signing-config create` writes one.',
  );
}
