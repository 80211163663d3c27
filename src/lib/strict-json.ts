/** What JSON text may hold. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export interface StrictJsonLimits {
  /** Default 4 MiB. */
  readonly maxBytes?: number;
  /** Default 32. */
  readonly maxDepth?: number;
  /** Of all depths together: small ones take thirty times the memory of their text. Default: any number. */
  readonly maxValues?: number;
  /**
   * Names of members whose value is a map with keys of the author's choosing, such as `annotations`: there, keys may differ in case alone.
   * Default: those of image manifests and configurations.
   */
  readonly maps?: readonly string[];
  /** Names of members within whose value every object is such a map. Default: none. */
  readonly mapsWithin?: readonly string[];
  /** Numbers are written without fraction and exponent, as Go wants them where it reads an integer. Default: any. */
  readonly isIntegral?: boolean;
}

/** Text that is not JSON, or that two readers might read differently. */
export class StrictJsonError extends Error {
  /** Byte at which reading stopped. */
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(`${reason} at byte ${offset}`);
    this.name = 'StrictJsonError';
    this.offset = offset;
  }
}

/**
 * Parses JSON that comes from outside and that other programs read as well. Refused is what makes readers disagree: keys that are there
 * twice or differ in case alone (Go's encoding/json folds case and lets the last win), `__proto__`, lone surrogates, numbers that are too
 * large, bytes that are not UTF-8, a byte order mark; and what is deeper or larger than the limits. Throws StrictJsonError; its message quotes keys, never values.
 */
export function parseStrictJson(bytes: Uint8Array, limits: StrictJsonLimits = {}): JsonValue {
  const walk = toWalk(bytes, limits);
  walk.verify();
  return JSON.parse(walk.text) as JsonValue;
}

/**
 * The same for an object with one long list: its elements are given to `visit` as they are read, and none is kept. In what it gives back the list is empty. What
 * is wrong further on is told only after that.
 */
export function parseStrictList(
  bytes: Uint8Array,
  member: string,
  visit: (element: JsonValue) => void,
  limits: StrictJsonLimits = {},
): JsonValue {
  const walk = toWalk(bytes, limits);
  const [start, end] = walk.verify({ member, visit }) ?? [0, 0];
  return JSON.parse(walk.text.slice(0, start) + walk.text.slice(end)) as JsonValue;
}

function toWalk(bytes: Uint8Array, limits: StrictJsonLimits): Walk {
  const {
    maxBytes = 4 * 1024 * 1024,
    maxDepth = 32,
    maxValues = Number.POSITIVE_INFINITY,
    maps = imageMaps,
    mapsWithin = [],
    isIntegral = false,
  } = limits;
  if (bytes.length > maxBytes) throw new StrictJsonError(`more than ${maxBytes} bytes of JSON`, maxBytes);
  return new Walk(decode(bytes), { maxDepth, maxValues, maps, mapsWithin, isIntegral });
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key of `value` that is one of `names` but for its case: Go's encoding/json takes it for that one. */
export function findCaseVariant(value: object, names: readonly string[]): string | undefined {
  const folded = new Set(names.map(fold));
  return Object.keys(value).find((key) => !names.includes(key) && folded.has(fold(key)));
}

/** Both ways, so that the Kelvin sign and the long s meet k and s, as they do in Go. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}

/** `annotations` of descriptors and manifests; the maps of an image configuration's `config`. */
const imageMaps: readonly string[] = ['annotations', 'Labels', 'Volumes', 'ExposedPorts'];

/** Keys of which it is remembered how they are folded. */
const maxFolded = 1_000;

interface Frame {
  /** Keys seen so far, folded; undefined in an array. */
  readonly keys: Map<string, string> | undefined;
  readonly isMap: boolean;
  /** And so is all that is within. */
  readonly isMapWithin: boolean;
}

interface VisitedList {
  readonly member: string;
  readonly visit: (element: JsonValue) => void;
}

/** Walks the text once, with a stack of its own. https://www.rfc-editor.org/rfc/rfc8259 */
class Walk {
  readonly text: string;
  readonly #limits: Required<Omit<StrictJsonLimits, 'maxBytes'>>;
  readonly #stack: Frame[] = [];
  /** Of objects that have ended, to be used again: a list may have tens of thousands of them. */
  readonly #spareKeys: Map<string, string>[] = [];
  /** Of keys that came before, as nearly all have. */
  readonly #folded = new Map<string, string>();
  #at = 0;
  #key = '';
  #list: VisitedList | undefined;
  #listFrame: Frame | undefined;
  /** Where it begins and ends, without its brackets. */
  #listSpan: [start: number, end: number] | undefined;
  #elementStart: number | undefined;
  #values = 0;

  constructor(text: string, limits: Required<Omit<StrictJsonLimits, 'maxBytes'>>) {
    this.text = text;
    this.#limits = limits;
  }

  /** Where the list is in the text; undefined where there is none. */
  verify(list?: VisitedList): readonly [start: number, end: number] | undefined {
    this.#list = list;
    do this.#value();
    while (this.#next());
    if (this.#at < this.text.length) this.#fail('not valid JSON');
    return this.#listSpan;
  }

  /** A scalar, an empty array or object, or the start of one up to its first value. */
  #value(): void {
    for (;;) {
      const character = this.#skipSpace();
      this.#values += 1;
      if (this.#values > this.#limits.maxValues) this.#fail(`more than ${this.#limits.maxValues} values`);
      if (this.#listFrame !== undefined && this.#stack.at(-1) === this.#listFrame) this.#elementStart = this.#at;
      if (character !== '{' && character !== '[') {
        if (character === '"') this.#passString();
        else this.#literal();
        return;
      }
      const { maxDepth, maps, mapsWithin } = this.#limits;
      if (this.#stack.length === maxDepth) this.#fail(`more than ${maxDepth} levels`);
      const keys = character === '{' ? (this.#spareKeys.pop() ?? new Map<string, string>()) : undefined;
      const isMapWithin = this.#stack.at(-1)?.isMapWithin === true || mapsWithin.includes(this.#key);
      const frame = { keys, isMap: isMapWithin || maps.includes(this.#key), isMapWithin };
      const isList = keys === undefined && this.#stack.length === 1 && this.#key === this.#list?.member;
      this.#stack.push(frame);
      this.#at += 1;
      if (isList) [this.#listFrame, this.#listSpan] = [frame, [this.#at, this.#at]];
      this.#key = '';
      if (this.#skipSpace() === closing(keys)) return;
      if (keys !== undefined) this.#member();
    }
  }

  /** Goes over what follows a value; whether another one has to come. */
  #next(): boolean {
    for (;;) {
      const frame = this.#stack.at(-1);
      const character = this.#skipSpace();
      if (frame === undefined) return false;
      if (frame === this.#listFrame) this.#visit();
      this.#key = '';
      if (character !== ',' && character !== closing(frame.keys)) this.#fail('not valid JSON');
      this.#at += 1;
      if (character === ',') {
        if (frame.keys !== undefined) this.#member();
        return true;
      }
      this.#stack.pop();
      if (frame.keys === undefined) continue;
      frame.keys.clear();
      this.#spareKeys.push(frame.keys);
    }
  }

  /** An element of the list that ends here, if one has begun. */
  #visit(): void {
    if (this.#elementStart !== undefined) this.#list?.visit(JSON.parse(this.text.slice(this.#elementStart, this.#at)) as JsonValue);
    this.#elementStart = undefined;
    if (this.#listSpan !== undefined) this.#listSpan[1] = this.#at;
  }

  /** A key and its colon. */
  #member(): void {
    if (this.#skipSpace() !== '"') this.#fail('not valid JSON');
    const start = this.#at;
    const key = this.#string();
    this.#verifyKey(key, start);
    if (this.#skipSpace() !== ':') this.#fail('not valid JSON');
    this.#at += 1;
    this.#key = key;
  }

  #verifyKey(key: string, start: number): void {
    const { keys = new Map<string, string>(), isMap = false } = this.#stack.at(-1) ?? {};
    if (key === '__proto__') this.#fail('the key "__proto__" is not accepted', start);
    const folded = isMap ? key : this.#fold(key);
    const earlier = keys.get(folded);
    if (earlier === key) this.#fail(`the key ${quoted(key)} is there twice`, start);
    if (earlier !== undefined) this.#fail(`the keys ${quoted(earlier)} and ${quoted(key)} differ in case alone`, start);
    keys.set(folded, key);
  }

  #fold(key: string): string {
    const known = this.#folded.get(key);
    if (known !== undefined) return known;
    const folded = fold(key);
    if (this.#folded.size < maxFolded) this.#folded.set(key, folded);
    return folded;
  }

  #string(): string {
    const start = this.#at;
    this.#passString();
    return this.#unescape(start, this.#at);
  }

  /** A value, of which nobody needs the text: what has no escapes is right as it stands. */
  #passString(): void {
    const start = this.#at;
    let code = 0;
    let isEscaped = false;
    for (this.#at += 1; code !== quote; this.#at += 1) {
      if (this.#at >= this.text.length) this.#fail('a string does not end', start);
      code = this.text.charCodeAt(this.#at);
      if (code < 0x20) this.#fail('a control character in a string');
      if (code !== backslash) continue;
      isEscaped = true;
      this.#at += 1;
    }
    if (isEscaped) this.#unescape(start, this.#at);
  }

  #unescape(start: number, end: number): string {
    const raw = this.text.slice(start + 1, end - 1);
    if (!raw.includes('\\')) return raw;
    let value = '';
    try {
      value = JSON.parse(this.text.slice(start, end)) as string;
    } catch {
      this.#fail('a string is not valid', start);
    }
    if (/\p{Surrogate}/u.test(value)) this.#fail('half a surrogate pair', start);
    return value;
  }

  #literal(): void {
    literal.lastIndex = this.#at;
    if (!literal.test(this.text)) this.#fail('not valid JSON');
    const number = this.text.slice(this.#at, literal.lastIndex);
    if (this.#limits.isIntegral && /[.E]|\de/.test(number)) this.#fail('a number with a fraction or an exponent');
    // Which is infinite here, and an error in Go.
    if (number.length >= '1e309'.length && Math.abs(Number(number)) === Infinity) this.#fail('a number that is too large');
    this.#at = literal.lastIndex;
  }

  #skipSpace(): string {
    space.lastIndex = this.#at;
    space.test(this.text);
    this.#at = space.lastIndex;
    return this.text.charAt(this.#at);
  }

  #fail(reason: string, at = this.#at): never {
    throw new StrictJsonError(reason, Buffer.byteLength(this.text.slice(0, at)));
  }
}

const [quote, backslash] = [0x22, 0x5c];
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const space = /[ \t\r\n]*/y;

function closing(keys: Frame['keys']): string {
  return keys === undefined ? ']' : '}';
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new StrictJsonError('bytes that are not UTF-8', firstBadByte(bytes));
  }
}

function firstBadByte(bytes: Uint8Array): number {
  const again = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  const differing = again.findIndex((byte, index) => byte !== bytes[index]);
  return differing === -1 ? bytes.length : differing;
}

function quoted(key: string): string {
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);
}
