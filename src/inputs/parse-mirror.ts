import { Fields } from './fields.ts';
import type { Spelling } from './input-names.ts';
import { checkTogether, conflict, parseAccess } from './parse.ts';
import type { MirrorOrigin, MirrorSettings } from './settings.ts';

/** Types the inputs of the command `mirror`, as `parseSettings` does those of `secure`. Inputs of other commands are not looked at. */
export function parseMirrorSettings(raw: ReadonlyMap<string, string>, spell: Spelling): MirrorSettings {
  const fields = new Fields(raw, spell);
  fields.refuseUnknown();
  const settings: MirrorSettings = {
    ...parseAccess(fields),
    advisories: parseOrigin(fields.text('advisories') ?? 'osv.dev', fields),
    ecosystems: fields.list('ecosystem'),
    snapshot: fields.text('snapshot'),
  };
  checkTogether(settings, fields, spell);
  if (settings.snapshot === undefined && settings.push.length === 0) {
    conflict(
      `Neither ${spell('snapshot')} nor ${spell('push')} is given`,
      `Name the file that the snapshot is written to in ${spell('snapshot')}, or the reference that it is pushed to in ${spell('push')}.`,
    );
  }
  return settings;
}

function parseOrigin(text: string, fields: Fields): MirrorOrigin {
  if (text === 'osv.dev') return { kind: 'bucket', url: undefined };
  if (isMirrorUrl(text)) return { kind: 'bucket', url: text };
  if (/^(?:[a-z][a-z0-9+.-]*:\/\/|registry:)/i.test(text)) {
    const accepted = 'osv.dev, the https URL of a mirror of its archives (ECOSYSTEM/all.zip), or a directory of OSV records';
    return fields.invalid('advisories', JSON.stringify(text), accepted);
  }
  return { kind: 'path', path: text };
}

function isMirrorUrl(text: string): boolean {
  return /^https:\/\//i.test(text) && URL.canParse(text);
}
