/** Something that goes wrong with one exchange between the step and the registry. */
export type ProxyFault =
  /** The connection is reset once that part (0 up to 1) of the request's body has been passed on; `undefined`: nothing has been passed on. */
  | { readonly kind: 'reset'; readonly afterPart?: number }
  /** The proxy answers so: instead of passing the request on, or (`done`) after the registry has done what was asked. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: () => Readonly<Record<string, string>>; readonly done?: boolean }
  /** The registry has done what was asked, and the connection is reset instead of an answer. */
  | { readonly kind: 'lost-answer' }
  /** The answer breaks off within its head, or in the middle of its body. */
  | { readonly kind: 'cut-answer'; readonly within: 'head' | 'body' }
  /** Content-Length is that much too large or too small. */
  | { readonly kind: 'wrong-length'; readonly byBytes: number }
  /** Request and answer go byte by byte for a while. */
  | { readonly kind: 'slow' }
  /** The answer has no end: its body where it may have one, else its head. */
  | { readonly kind: 'endless' }
  /** The registry has done what was asked, and no answer comes. */
  | { readonly kind: 'silent' }
  /** The token has expired: it is refused from here on. `early`: before the body of the request was read. */
  | { readonly kind: 'expired'; readonly early?: boolean }
  /** Docker-Content-Digest is that of something else. */
  | { readonly kind: 'wrong-digest' }
  /** Something happens before the request is passed on, or before the answer is; with `goesOn` nothing else is wrong, else the connection is reset. */
  | { readonly kind: 'act'; readonly when: 'before' | 'after'; readonly goesOn?: boolean; readonly act: () => void };

/** One column of the table. */
export interface NamedFault {
  readonly name: string;
  readonly fault: ProxyFault;
  /**
   * What one such fault costs. `passes`: nothing, the run ends in 0 with the same image. `refusal`: what came is no answer of a registry, and the run may
   * end in 3. `delay`: it is slow however often it happens, and the run ends in 0.
   */
  readonly cost: 'passes' | 'refusal' | 'delay';
  /** How long the answer asks to wait before the next try. */
  readonly waitMs?: number;
}

const soon = () => ({ 'retry-after': '2' });
const atDate = () => ({ 'retry-after': new Date(Date.now() + 3000).toUTCString() });
const statuses = [408, 500, 502, 503, 504] as const;

export const allFaults: readonly NamedFault[] = [
  { name: 'reset', fault: { kind: 'reset' }, cost: 'passes' },
  { name: 'reset at half', fault: { kind: 'reset', afterPart: 0.5 }, cost: 'passes' },
  { name: 'reset at end', fault: { kind: 'reset', afterPart: 1 }, cost: 'passes' },
  { name: 'answer lost', fault: { kind: 'lost-answer' }, cost: 'passes' },
  ...statuses.map((status): NamedFault => ({ name: `${status}`, fault: { kind: 'answer', status }, cost: 'passes' })),
  { name: '429 seconds', fault: { kind: 'answer', status: 429, headers: soon }, cost: 'passes', waitMs: 2000 },
  { name: '429 date', fault: { kind: 'answer', status: 429, headers: atDate }, cost: 'passes', waitMs: 1500 },
  { name: 'done, 504', fault: { kind: 'answer', status: 504, done: true }, cost: 'passes' },
  { name: 'cut head', fault: { kind: 'cut-answer', within: 'head' }, cost: 'passes' },
  { name: 'cut body', fault: { kind: 'cut-answer', within: 'body' }, cost: 'passes' },
  { name: 'length + 10', fault: { kind: 'wrong-length', byBytes: 10 }, cost: 'passes' },
  { name: 'length - 1', fault: { kind: 'wrong-length', byBytes: -1 }, cost: 'refusal' },
  { name: 'slow', fault: { kind: 'slow' }, cost: 'delay' },
  { name: 'endless', fault: { kind: 'endless' }, cost: 'refusal' },
  { name: 'silent', fault: { kind: 'silent' }, cost: 'passes' },
  { name: 'expired', fault: { kind: 'expired' }, cost: 'passes' },
  { name: 'expired early', fault: { kind: 'expired', early: true }, cost: 'passes' },
  { name: 'other digest', fault: { kind: 'wrong-digest' }, cost: 'refusal' },
];
