import { evidenceKinds } from '../model/evidence-kind.ts';
import { Fields } from './fields.ts';
import type { Spelling } from './input-names.ts';
import { checkTogether, conflict, parseAccess } from './parse.ts';
import { parseHost } from './registry-hosts.ts';
import type { Requirement, TrustSettings, VerifySettings } from './settings.ts';
import { parseDuration } from './signing-settings.ts';

const requirements: readonly Requirement[] = ['digest', 'signature', 'notation', 'cosign', ...evidenceKinds];

/** Types the inputs of the command `verify`, as `parseSettings` does those of `secure`. Inputs of other commands are not looked at. */
export function parseVerifySettings(raw: ReadonlyMap<string, string>, spell: Spelling): VerifySettings {
  const fields = new Fields(raw, spell);
  fields.refuseUnknown();
  const settings: VerifySettings = {
    ...parseAccess(fields),
    push: [],
    signing: undefined,
    references: fields.list('reference').map((text) => parseReferenceText(text, fields)),
    deployment: fields.list('deployment'),
    composeVariables: parseVariables(fields),
    pin: fields.flag('pin', false),
    trustedRegistries: fields.list('trusted-registry').map((text) => parseTrustedRegistry(text, fields)),
    trust: parseTrust(fields),
    require: fields.choices('require', requirements) ?? ['digest', 'signature'],
    evidenceMaxAgeMs: parseDuration('evidence-max-age', fields),
    policy: fields.text('policy'),
    failOn: fields.choice('fail-on', ['critical', 'high', 'medium', 'low', 'none']) ?? 'high',
    annotations: fields.flag('annotations'),
    comment: fields.flag('comment'),
    summary: fields.flag('summary'),
    report: fields.text('report'),
  };
  checkTogether(settings, fields, spell);
  if (settings.references.length === 0 && settings.deployment.length === 0) {
    conflict(
      `Neither ${spell('reference')} nor ${spell('deployment')} is given`,
      `Name images in ${spell('reference')}, or the files of a deployment in ${spell('deployment')}.`,
    );
  }
  checkTrust(settings, spell);
  if (settings.pin && settings.deployment.length === 0) {
    conflict(
      `The input ${spell('pin')} is given without ${spell('deployment')}`,
      `Name the files to write into in ${spell('deployment')}.`,
    );
  }
  return settings;
}

function parseTrust(fields: Fields): TrustSettings {
  return {
    certificate: fields.text('trusted-certificate'),
    policy: fields.text('trust-policy'),
    store: fields.text('trust-store'),
    cosignKeys: fields.list('cosign-key'),
    cosignIdentities: fields.list('cosign-identity'),
    root: fields.text('trusted-root'),
    receipts: fields.list('receipt'),
  };
}

function checkTrust({ require, trust }: VerifySettings, spell: Spelling): void {
  const { certificate, policy, cosignKeys, cosignIdentities } = trust;
  const hasNotary = (certificate ?? policy) !== undefined;
  const hasCosign = cosignKeys.length + cosignIdentities.length > 0;
  const signed = require.filter((requirement) => requirement !== 'digest');
  const names = {
    notation: [spell('trust-policy'), spell('trusted-certificate')],
    cosign: [spell('cosign-key'), spell('cosign-identity')],
  };
  const lacking =
    signed.includes('notation') && !hasNotary
      ? names.notation
      : signed.includes('cosign') && !hasCosign
        ? names.cosign
        : signed.length > 0 && !hasNotary && !hasCosign
          ? [...names.notation, ...names.cosign]
          : undefined;
  if (lacking !== undefined) {
    conflict(
      `The input ${spell('require')} asks for what is signed (${signed.join(', ')}), and nothing says by whom`,
      `Name who is trusted in ${lacking.join(' or ')}, or leave it out of ${spell('require')}.`,
    );
  }
}

function parseVariables(fields: Fields): ReadonlyMap<string, string> {
  return new Map(
    fields.list('compose-variable').map((line) => {
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) return fields.invalid('compose-variable', JSON.stringify(line), 'NAME=VALUE lines');
      return [name, value] as const;
    }),
  );
}

/** `docker save` keeps no signatures; as a name of Docker Hub it would be asked for there. */
function parseReferenceText(text: string, fields: Fields): string {
  if (!text.startsWith('docker-archive:')) return text;
  return fields.invalid('reference', JSON.stringify(text), 'a reference of a registry, oci:DIR[:TAG] or oci-archive:FILE[:TAG]');
}

/** In its normal form: the host in lower case. */
function parseTrustedRegistry(text: string, fields: Fields): string {
  const slash = text.indexOf('/');
  const refuse = fields.refuseItem('trusted-registry');
  const host = parseHost(slash === -1 ? text : text.slice(0, slash), refuse);
  const path = slash === -1 ? '' : text.slice(slash + 1);
  if (slash !== -1 && !/^[a-z0-9._*/-]+$/.test(path)) return refuse(JSON.stringify(text), 'HOST[:PORT] or HOST[:PORT]/PATH, one a line');
  return slash === -1 ? host : `${host}/${path}`;
}
