/**
 * Shortest text that is masked. Masking less would blot out every such run of letters in the log (a one-letter secret once masked every `a`),
 * and GitHub drops job outputs that hold a masked text.
 */
export const shortestMask = 4;

/** Whether a secret has a line that can be masked: one that has none shows wherever it is printed. */
export function isMaskable(secret: string): boolean {
  return secret.split(lineEnd).some(isLongEnough);
}

/**
 * The texts of one line in which a secret may show, longest first: each of its lines, and of the whole and of each line what base64 (wherever in
 * an encoded text it stands), URLs, forms and JSON make of it. Texts and lines of fewer than `shortestMask` characters are left out.
 */
export function toSecretForms(secret: string): readonly string[] {
  const lines = secret.split(lineEnd).filter(isLongEnough);
  // Its end is left off: whoever encodes a secret adds a line feed, or takes it away.
  const whole = secret.replace(/\s+$/, '');
  const parts = [...new Set([...(isLongEnough(whole) ? [whole] : []), ...lines, ...lines.map((line) => line.trim())])];
  const forms = parts.flatMap((part) => [part, ...toBase64Forms(part), ...toUrlForms(part), ...toJsonForms(part)]);
  return [...new Set(forms)].filter((form) => isLongEnough(form) && !lineEnd.test(form)).sort((a, b) => b.length - a.length);
}

const lineEnd = /[\r\n]+/;

function isLongEnough(text: string): boolean {
  return text.trim().length >= shortestMask;
}

/**
 * What is always the same of a text in base64, wherever in the encoded bytes it begins (`user:PASSWORD` of Basic authentication): six bits make a
 * character, so the first and last ones depend on what stands before and after. And its lines, as `base64` and PEM wrap them; where something stands
 * before it, nobody knows where they end.
 */
function toBase64Forms(text: string): readonly string[] {
  const bytes = Buffer.from(text, 'utf8');
  const stable = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const [first = ''] = stable;
  const wrapped = lineWidths
    .filter((width) => first.length > width)
    .flatMap((width) => first.match(new RegExp(`.{1,${width}}`, 'g')) ?? []);
  const standard = [bytes.toString('base64'), ...stable, ...wrapped];
  return [...standard, ...standard.map(toUrlSafe)];
}

/** Of GNU's base64, and of PEM (RFC 7468, section 2). */
const lineWidths = [76, 64];

/** RFC 4648, section 5. */
function toUrlSafe(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Percent-encodings, which differ in what they leave as it is (RFC 3986, the browsers', Python's, .NET's) and in the case of the digits, and those of forms. */
function toUrlForms(text: string): readonly string[] {
  const strict = [...Buffer.from(text, 'utf8')].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[\w.~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  const keep = (kept: string): string => strict.map((part) => (kept.includes(decode(part)) ? decode(part) : part)).join('');
  const upper = ['', '/', "!'()*", '!()*', "/?#@!$&'()*+,;=:"].map(keep);
  const form = new URLSearchParams({ text }).toString().slice('text='.length);
  const forms = [...upper, ...upper.map((escaped) => escaped.replaceAll('%20', '+')), form];
  return [...forms, ...forms.map((escaped) => escaped.replace(/%[0-9A-F]{2}/g, (digits) => digits.toLowerCase()))];
}

/** The ASCII character of an escape; other bytes stay escaped. */
function decode(part: string): string {
  const code = Number.parseInt(part.slice(1), 16);
  return part.length === 3 && code < 0x80 ? String.fromCharCode(code) : part;
}

/** As JSON.stringify escapes; with what is not ASCII escaped, as Python does; and with what acts in HTML, as Go does. */
function toJsonForms(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const escaped = (characters: RegExp): string =>
    json.replace(characters, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [json, escaped(/[\u0080-\uffff]/g), escaped(/[<>&\u2028\u2029]/g), escaped(/[<>&\u0080-\uffff]/g)];
}
