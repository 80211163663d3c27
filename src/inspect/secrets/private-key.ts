import { isAt, type Neighbourhood, type SecretMatch, type SecretRule } from './secret-rule.ts';

/**
 * Private keys in PEM (RFC 7468, RFC 1421), OpenSSH's and OpenPGP's armour. The header alone is no finding: it stands in every program that reads
 * keys. What follows must be a key by its first bytes, whole or longer than what is read, in a file's lines or in a string's escapes.
 */
export const privateKeyRule: SecretRule = {
  anchors: [['E', ' ', 'K']],
  begins: (content, at) => isAt(content, at - 6, 'PRIVATE KEY'),
  match: matchPrivateKey,
};

function matchPrivateKey({ text, at }: Neighbourhood): SecretMatch | undefined {
  const before = /-----BEGIN ((?:[A-Z0-9]{1,12} ){0,3})PRIVAT$/.exec(text.slice(Math.max(0, at - 64), at));
  const after = /^E KEY(?: BLOCK)?-----/.exec(text.slice(at, at + 16));
  if (before === null || after === null) return undefined;
  const armour = parseArmour(text.slice(at + after[0].length));
  const kind = armour === undefined ? undefined : toKeyKind(before[1]?.trim() ?? '', armour);
  if (armour === undefined || kind === undefined) return undefined;
  const severity = kind.isEncrypted ? 'medium' : 'high';
  const title = kind.isEncrypted ? `${kind.name} private key, encrypted` : `${kind.name} private key`;
  return {
    rule: kind.isEncrypted ? 'encrypted-private-key' : 'private-key',
    title,
    severity,
    secret: armour.base64.slice(0, 2000),
    start: at - before[0].length,
  };
}

interface Armour {
  readonly headers: string;
  readonly base64: string;
  /** Whether the end line was seen. */
  readonly isWhole: boolean;
}

/** Takes the base64 out of what follows the header line: lines, one line with spaces, or the pieces of a string literal. */
function parseArmour(text: string): Armour | undefined {
  const end = text.indexOf('-----END ');
  let headers = '';
  let base64 = '';
  for (const raw of text
    .slice(0, end === -1 ? text.length : end)
    .replace(/\\{1,4}[nrt]/g, '\n')
    .split('\n')) {
    const line = raw
      .trim()
      .replace(/^(?:\+ )?["'`]?/, '')
      .replace(/["'`](?: ?[+,;)\\]{1,3})?$|\\$/, '')
      .trim();
    if (/^[+,;.]?$/.test(line) || (base64 !== '' && /^=[A-Za-z0-9+/]{4}$/.test(line))) continue;
    if (base64 === '' && /^[A-Z][A-Za-z-]{2,30}: /.test(line)) headers += `${line}\n`;
    else if (/^[A-Za-z0-9+/ ]+={0,2}$/.test(line)) base64 += line.replaceAll(' ', '');
    else if (base64.length < wholeEnough) return undefined;
    else break;
  }
  const isWhole = end !== -1;
  return base64.length >= 64 && (isWhole || base64.length >= wholeEnough) ? { headers, base64, isWhole } : undefined;
}

/** Characters of base64 after which a key whose end is out of reach is taken for one. */
const wholeEnough = 1500;

interface KeyKind {
  readonly name: string;
  readonly isEncrypted: boolean;
}

/** What the bytes are, held against what the header line says. */
function toKeyKind(label: string, { headers, base64, isWhole }: Armour): KeyKind | undefined {
  const bytes = Buffer.from(base64, 'base64');
  if (label === 'PGP') {
    return isSecretKeyPacket(bytes) ? { name: 'PGP', isEncrypted: false } : undefined;
  }
  if (label === 'OPENSSH') {
    if (bytes.toString('latin1', 0, 15) !== 'openssh-key-v1\0') return undefined;
    const cipher = bytes.toString('latin1', 19, 19 + Math.min(bytes.readUInt32BE(15), 64));
    return { name: 'OpenSSH', isEncrypted: cipher !== 'none' };
  }
  if (/Proc-Type: ?4,ENCRYPTED/.test(headers)) return { name: label, isEncrypted: true };
  const content = derSequence(bytes, isWhole);
  if (content === undefined) return undefined;
  if (label === 'ENCRYPTED') return content[0] === derTag.sequence ? { name: 'PKCS #8', isEncrypted: true } : undefined;
  if (content[0] !== derTag.integer) return undefined;
  return { name: label === '' ? 'PKCS #8' : label, isEncrypted: false };
}

/** ITU-T X.690 8.9 and 8.3. */
const derTag = { integer: 0x02, sequence: 0x30 } as const;

/** The content of the DER sequence that `bytes` are, or begin where the end is out of reach. */
function derSequence(bytes: Buffer, isWhole: boolean): Buffer | undefined {
  const first = bytes[1] ?? 0;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (bytes[0] !== derTag.sequence || lengthBytes > 3 || bytes.length < 2 + lengthBytes + 1) return undefined;
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes);
  const content = bytes.subarray(2 + lengthBytes);
  return (isWhole ? content.length === length : content.length <= length) ? content : undefined;
}

/** RFC 9580 4.2 and 5.5.1.3: a packet with tag 5, in the old or the new form. */
function isSecretKeyPacket(bytes: Buffer): boolean {
  const tag = bytes[0] ?? 0;
  return tag === 0xc5 || (tag & 0xfc) === 0x94;
}
