import * as v from 'valibot';
import {
  type CoverageGap,
  gapCodes,
  type MalwareFinding,
  type MisconfigurationFinding,
  type SecretFinding,
  severities,
  type VulnerabilityFinding,
} from '../model/finding.ts';
import { type Package, packageTypes, rpmInstallers } from '../model/package.ts';

/** Every field of the model has to be here, for a policy may ask for any of them. */
type EntriesOf<Model> = Readonly<Record<keyof Model, v.GenericSchema>>;

const text = v.string();
const index = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const time = v.pipe(text, v.isoTimestamp());

const foundPackage = v.object({
  type: v.picklist(packageTypes),
  name: text,
  version: text,
  purl: text,
  path: text,
  layer: index,
  ecosystem: orUnknown(text),
  source: v.exactOptional(v.object({ name: text, version: text })),
  architecture: v.exactOptional(text),
  maintainer: v.exactOptional(text),
  module: v.exactOptional(text),
  licence: v.exactOptional(v.union([text, v.array(text)])),
  cpe: v.exactOptional(text),
  member: v.exactOptional(text),
  otherPaths: v.exactOptional(v.array(text)),
  installer: v.exactOptional(v.picklist(rpmInstallers)),
  fromBase: v.exactOptional(v.boolean()),
} satisfies EntriesOf<Package>);

const base = {
  fingerprint: v.pipe(text, v.regex(/^[0-9a-f]{16}$/)),
  severity: v.picklist(severities),
  title: text,
  remedy: text,
  path: orUnknown(text),
  layer: orUnknown(index),
  platforms: v.array(text),
  attribution: v.exactOptional(v.object({ instruction: text, file: v.exactOptional(text), line: v.exactOptional(index) })),
  fromBase: v.exactOptional(v.boolean()),
};

const vulnerability = v.object({
  ...base,
  kind: v.literal('vulnerability'),
  advisory: text,
  ids: v.array(text),
  url: text,
  package: foundPackage,
  fixedVersion: orUnknown(text),
  cvss: orUnknown(v.object({ vector: text, score: v.number() })),
  knownExploited: v.exactOptional(text),
  epss: v.exactOptional(v.object({ probability, percentile: probability })),
} satisfies EntriesOf<VulnerabilityFinding>);

const secret = v.object({
  ...base,
  kind: v.literal('secret'),
  rule: text,
  preview: text,
  line: orUnknown(index),
  deletedLater: v.boolean(),
} satisfies EntriesOf<SecretFinding>);

const malware = v.object({
  ...base,
  kind: v.literal('malware'),
  rule: text,
  deletedLater: v.boolean(),
} satisfies EntriesOf<MalwareFinding>);

const misconfiguration = v.object({
  ...base,
  kind: v.literal('misconfiguration'),
  rule: text,
} satisfies EntriesOf<MisconfigurationFinding>);

const gap = v.object({
  code: v.picklist(gapCodes),
  path: orUnknown(text),
  layer: orUnknown(index),
  reason: text,
} satisfies EntriesOf<CoverageGap>);

/** What `toScanReport` writes. A finding of a kind that is not known is an error: a policy could not be held against it. */
export const scanReportShape = v.object({
  scanner: v.object({ name: v.literal('image-custody'), version: text }),
  scannedAt: time,
  platforms: v.array(text),
  packages: index,
  advisories: v.object({
    source: text,
    digest: orUnknown(text),
    newest: orUnknown(text),
    created: orUnknown(text),
    asOf: orUnknown(text),
  }),
  exploitation: v.object({ knownExploited: orUnknown(text), epss: orUnknown(text) }),
  findings: v.array(v.variant('kind', [vulnerability, secret, malware, misconfiguration])),
  gaps: v.array(gap),
});

/** Null where it is not known. */
function orUnknown<Schema extends v.GenericSchema>(schema: Schema) {
  return v.pipe(
    v.nullable(schema),
    v.transform((value) => value ?? undefined),
  );
}
