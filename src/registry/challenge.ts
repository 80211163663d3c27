/** One way to authenticate that a server offers. */
export interface Challenge {
  /** Lower case, e.g. `bearer`. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Whether a token was refused because it has expired or is damaged, not for its rights (RFC 6750, 3.1). */
export function isInvalidToken(header: string): boolean {
  const errors = (parseChallenges(header) ?? []).map(({ parameters }) => parameters.get('error'));
  return errors.includes('invalid_token');
}

const maxHeaderCharacters = 8 * 1024;
const maxChallenges = 8;

/**
 * Reads WWW-Authenticate (RFC 9110, 11.6.1). Strict, for it decides where credentials go: undefined where the header is longer than 8 KiB,
 * has more than 8 challenges, is not of the grammar, or gives a parameter twice.
 */
export function parseChallenges(header: string): readonly Challenge[] | undefined {
  if (header.length > maxHeaderCharacters) return undefined;
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let rest = header.trim();
  while (rest !== '') {
    const scheme = schemePattern.exec(rest);
    const item = parameterPattern.exec(scheme === null ? rest : rest.slice(scheme[0].length));
    if (scheme !== null) challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters: new Map() });
    if (scheme !== null && item === null) {
      const lone = lonePattern.exec(rest.slice(scheme[0].length));
      if (lone === null) return undefined;
      rest = rest.slice(scheme[0].length + lone[0].length);
      continue;
    }
    if (item === null || !addParameter(challenges.at(-1)?.parameters, item)) return undefined;
    rest = rest.slice((scheme?.[0].length ?? 0) + item[0].length);
  }
  return challenges.length > maxChallenges ? undefined : challenges;
}

function addParameter(parameters: Map<string, string> | undefined, [, name = '', token, quoted = '']: RegExpExecArray): boolean {
  const key = name.toLowerCase();
  if (parameters === undefined || parameters.has(key)) return false;
  parameters.set(key, token ?? quoted.replace(/\\(.)/g, '$1'));
  return true;
}

const word = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const end = '[ \\t]*(?:,[ \\t,]*|$)';
/** A word that no `=` follows: a scheme, with the space before what belongs to it. */
const schemePattern = new RegExp(`^(${word})(?:[ \\t]+(?!=)|(?=,|$))`);
const parameterPattern = new RegExp(
  `^(${word})[ \\t]*=[ \\t]*(?:(${word})|"((?:[^"\\\\\\x00-\\x1f\\x7f]|\\\\[^\\x00-\\x1f\\x7f])*)")${end}`,
);
/** Nothing, or a token68, which no scheme that is spoken here has. */
const lonePattern = new RegExp(`^(?:[A-Za-z0-9._~+/-]+=*)?${end}`);
