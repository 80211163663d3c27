import { identityKinds } from '../lib/credential-choice.ts';
import { StepError } from '../lib/step-error.ts';
import { type EvidenceKind, evidenceKinds } from '../model/evidence-kind.ts';
import { type Platform, platformText } from '../model/image.ts';
import { parsePlatform } from '../model/platform.ts';
import { parseExportedNames } from './exported-names.ts';
import { Fields } from './fields.ts';
import { findIdentityClash } from './identity-clash.ts';
import { type Command, commands } from './input.ts';
import type { InputErrorCode, Spelling } from './input-names.ts';
import { parseHost, parseTokenHosts } from './registry-hosts.ts';
import type {
  AccessSettings,
  AdvisoriesSetting,
  DoctorSettings,
  ListSetting,
  SbomFormat,
  SecretRequest,
  Settings,
  StepSettings,
} from './settings.ts';
import { parseSigning } from './signing-settings.ts';
import type { InputName } from './table.ts';

/**
 * Types the raw texts of a host's inputs. Empty texts count as absent, for both hosts give absent inputs as empty.
 * Throws a StepError of origin `input` that names the input, its value and what is accepted. No value of a credential is quoted.
 */
export function parseSettings(raw: ReadonlyMap<string, string>, spell: Spelling): Settings {
  const fields = new Fields(raw, spell);
  fields.refuseUnknown();
  const settings: Settings = { ...parseStep(fields), image: fields.text('image') ?? fields.missing('image') };
  checkTogether(settings, fields, spell);
  return settings;
}

/** The same for the command `doctor`. */
export function parseDoctorSettings(raw: ReadonlyMap<string, string>, spell: Spelling): DoctorSettings {
  const fields = new Fields(raw, spell);
  fields.refuseUnknown();
  const settings: DoctorSettings = { ...parseStep(fields), image: fields.text('image') };
  checkTogether(settings, fields, spell);
  return settings;
}

function parseStep(fields: Fields): StepSettings {
  const access = parseAccess(fields);
  const sbom = fields.choices('sbom', sbomFormats) ?? ['cyclonedx'];
  const attest = parseAttest(fields, access, sbom);
  return {
    ...access,
    platforms: parsePlatforms(fields),
    policy: fields.text('policy'),
    failOn: fields.choice('fail-on', ['critical', 'high', 'medium', 'low', 'none']) ?? 'high',
    advisories: parseAdvisories(fields.text('advisories') ?? 'osv.dev', fields),
    advisoriesCertificate: fields.text('advisories-certificate'),
    advisoriesCache: fields.text('advisories-cache'),
    knownExploited: parseListSetting('known-exploited', fields),
    epss: parseListSetting('epss', fields),
    sbom,
    attest,
    isAttestNamed: fields.text('attest') !== undefined,
    pruneEvidence: parsePruning(fields, attest),
    dockerfile: fields.text('dockerfile'),
    annotations: fields.flag('annotations'),
    comment: fields.flag('comment'),
    summary: fields.flag('summary'),
    report: fields.text('report'),
    compression: fields.choice('compression', ['gzip', 'zstd', 'keep']) ?? 'gzip',
    exportSecrets: parseExportedNames(fields.list('export-secrets'), (value, accepted) =>
      fields.invalid('export-secrets', value, accepted),
    ),
  };
}

function parsePruning(fields: Fields, attest: readonly EvidenceKind[]): boolean {
  const isAsked = fields.flag('prune-evidence', false);
  if (isAsked && attest.length === 0) fields.invalid('prune-evidence', '"true" where attest names nothing', 'true beside an input attest');
  return isAsked;
}

/** Which command the runner's input `command` names. */
export function parseCommand(raw: ReadonlyMap<string, string>, spell: Spelling): Command {
  return new Fields(raw, spell).choice('command', commands) ?? 'secure';
}

/** The inputs that every command has which pushes something. They are held against each other by `checkTogether`. */
export function parseAccess(fields: Fields): AccessSettings {
  return {
    push: fields.list('push'),
    keyVault: fields.text('key-vault'),
    secrets: fields.list('secrets').map((line, index) => parseSecretRequest(line, index, fields)),
    azureServiceConnection: fields.text('azure-service-connection'),
    azureIdentity: fields.choice('azure-identity', identityKinds) ?? 'auto',
    azureTenantId: fields.text('azure-tenant-id'),
    azureClientId: fields.text('azure-client-id'),
    registryUsername: fields.credential('registry-username'),
    registryPassword: fields.credential('registry-password'),
    signing: parseSigning(fields),
    referrers: fields.choice('referrers', ['auto', 'api', 'both']) ?? 'auto',
    githubToken: fields.credential('github-token'),
    insecureRegistries: fields.list('insecure-registry').map((host) => parseHost(host, fields.refuseItem('insecure-registry'))),
    allowRegistryAdmin: fields.flag('allow-registry-admin', false),
    registryTokenHosts: parseTokenHosts(fields.list('registry-token-host'), fields.refuseItem('registry-token-host')),
  };
}

const sbomFormats: readonly SbomFormat[] = ['cyclonedx', 'spdx'];

/** A statement that nobody signs says nothing. */
function parseAttest(fields: Fields, { signing }: AccessSettings, sbom: readonly SbomFormat[]): readonly EvidenceKind[] {
  const chosen = fields.choices('attest', evidenceKinds);
  if (chosen !== undefined && chosen.length > 0 && signing === undefined) return fields.missing('signing-key');
  if (chosen?.includes('sbom') && sbom.length === 0) return fields.invalid('sbom', '"none" where attest names sbom', 'a format to attest');
  return signing === undefined ? [] : (chosen ?? evidenceKinds).filter((kind) => kind !== 'sbom' || sbom.length > 0);
}

function parsePlatforms(fields: Fields): readonly Platform[] {
  const platforms = fields.list('platform').map((text) => {
    return (
      parsePlatform(text) ??
      fields.invalid('platform', JSON.stringify(text), 'OS/ARCHITECTURE[/VARIANT], e.g. linux/amd64 or linux/arm/v7, one a line')
    );
  });
  return [...new Map(platforms.map((platform) => [platformText(platform), platform])).values()];
}

function parseAdvisories(text: string, fields: Fields): AdvisoriesSetting {
  if (text === 'osv.dev') return { kind: 'service', url: 'https://api.osv.dev' };
  if (/^https:\/\//i.test(text) && URL.canParse(text)) return { kind: 'service', url: text };
  if (text.startsWith('registry:')) return { kind: 'registry', reference: text.slice('registry:'.length) };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    return fields.invalid(
      'advisories',
      JSON.stringify(text),
      'osv.dev, the https URL of a service with its API, a directory of OSV records, the file of a snapshot, or registry:REFERENCE',
    );
  }
  return { kind: 'path', path: text };
}

function parseListSetting(name: InputName, fields: Fields): ListSetting | undefined {
  const text = fields.text(name);
  if (text === undefined) return undefined;
  if (/^https:\/\//i.test(text) && URL.canParse(text)) return { kind: 'service', url: text };
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? fields.invalid(name, JSON.stringify(text), 'a file or its https URL')
    : { kind: 'path', path: text };
}

/** Names that `secret:NAME` can refer to; secret names as Key Vault has them. */
const secretRequestPattern = /^([A-Za-z0-9_-]{1,127})\s*=\s*([0-9A-Za-z-]{1,127}(?:\/[0-9a-f]{32})?)$/;

/** A line that is none is not quoted: it may be the secret itself. */
function parseSecretRequest(line: string, index: number, fields: Fields): SecretRequest {
  const match = secretRequestPattern.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) {
    const name = /^([A-Za-z0-9_-]{1,127})\s*=/.exec(line)?.[1];
    return fields.invalid(
      'secrets',
      `${name === undefined ? 'something else' : JSON.stringify(`${name} = …`)} in its line ${index + 1}`,
      'NAME = secret-name lines (letters, digits and hyphens; secret-name/VERSION pins a version)',
    );
  }
  return { name: match[1], secretName: match[2] };
}

/** Holds inputs against each other: every one that `fields` was read for as a credential may refer to one of the named secrets. */
export function checkTogether(
  settings: AccessSettings & Partial<Pick<StepSettings, 'exportSecrets'>>,
  fields: Fields,
  spell: Spelling,
): void {
  const declared = settings.secrets.map((request) => request.name);
  const doubled = declared.find((name, index) => declared.indexOf(name) !== index);
  if (doubled !== undefined) conflict(`The input ${spell('secrets')} names ${doubled} twice`, 'Give each secret a name of its own.');
  if (settings.secrets.length > 0 && settings.keyVault === undefined) {
    conflict(
      `The input ${spell('secrets')} is given without ${spell('key-vault')}`,
      `Name the vault that holds them in ${spell('key-vault')}.`,
    );
  }
  for (const [name, credential] of fields.credentials) {
    if (credential.kind === 'secret') checkReferences(name, [credential.name], settings.secrets, spell);
  }
  checkReferences('export-secrets', settings.exportSecrets ?? [], settings.secrets, spell);
  const clash = findIdentityClash(settings, spell);
  if (clash !== undefined) conflict(...clash);
  if ((settings.registryUsername === undefined) !== (settings.registryPassword === undefined)) {
    conflict(
      `Only one of ${spell('registry-username')} and ${spell('registry-password')} is given`,
      'Give both, or none to use Entra ID or the Docker configuration.',
    );
  }
}

function checkReferences(input: InputName, names: readonly string[], secrets: readonly SecretRequest[], spell: Spelling): void {
  const declared = secrets.map((request) => request.name);
  const missing = names.find((name) => !declared.includes(name));
  if (missing === undefined) return;
  conflict(
    `The input ${spell(input)} refers to secret:${missing}, which ${spell('secrets')} does not name`,
    `Add a line "${missing} = NAME-IN-THE-VAULT" to ${spell('secrets')}.${declared.length > 0 ? ` Named now: ${declared.join(', ')}.` : ''}`,
  );
}

export function conflict(message: string, hint: string): never {
  throw new StepError<InputErrorCode>({ code: 'input-conflict', origin: 'input', message, hint });
}
