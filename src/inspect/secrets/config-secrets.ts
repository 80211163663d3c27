import type { ImageConfig } from '../../model/image.ts';
import type { SecretMatch } from './secret-rule.ts';
import { makeSecretSearch, type SecretSearch } from './secret-search.ts';

/** A secret in the image's configuration, and which field holds it. */
export interface ConfigSecret {
  readonly match: SecretMatch;
  readonly place: ConfigPlace;
}

export type ConfigPlace =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'history'; readonly index: number };

/** Searches the environment, the labels and the history, in this order; a secret is told once, at the first place that holds it. */
export function findConfigSecrets({ env, labels, history }: ImageConfig): readonly ConfigSecret[] {
  const search = makeSecretSearch();
  const places: readonly (readonly PlacedText[])[] = [
    env.map((text) => ({ text, place: { kind: 'env', name: text.split('=', 1)[0] ?? '' } })),
    Object.entries(labels).map(([name, value]) => ({ text: `${name}=${value}`, place: { kind: 'label', name } })),
    history.map(({ createdBy }, index) => ({ text: createdBy, place: { kind: 'history', index } })),
  ];
  const found: ConfigSecret[] = [];
  for (const secret of places.flatMap((texts) => findIn(search, texts))) {
    if (!found.some(({ match }) => match.secret.includes(secret.match.secret))) found.push(secret);
  }
  return found;
}

interface PlacedText {
  readonly text: string;
  readonly place: ConfigPlace;
}

/** The texts are searched as lines of one, so that an id in one variable and its key in the next are found as the pair that they are. */
function findIn(search: SecretSearch, texts: readonly PlacedText[]): readonly ConfigSecret[] {
  const lines = texts.map(({ text }) => Buffer.from(`${text}\n`, 'utf8'));
  const content = Buffer.concat(lines);
  return search.find(content, 0, content.length, maxAttempts).found.flatMap(({ match, offset }) => {
    let index = 0;
    for (let end = lines[0]?.length ?? 0; offset >= end && index < lines.length - 1; end += lines[index]?.length ?? 0) index++;
    const place = texts[index]?.place;
    return place === undefined ? [] : [{ match, place }];
  });
}

const maxAttempts = 1000;
