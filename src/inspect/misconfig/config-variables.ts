import type { ImageConfig } from '../../model/image.ts';
import { isSecretVariable } from './secret-name.ts';

/** A variable that is a secret by its name or value. */
export interface SecretVariable {
  readonly name: string;
  readonly value: string;
  /** `env`: in every container's environment. `argument` and `history`: only in the history, for whoever has the image. */
  readonly place: 'env' | 'argument' | 'history';
}

/** The environment, and what the history tells of build arguments and of variables that were replaced later; each variable once. */
export function findSecretVariables({ env, history }: ImageConfig): readonly SecretVariable[] {
  const variables: SecretVariable[] = [
    ...env.flatMap((text) => toVariable(text, 'env')),
    ...history.flatMap(({ createdBy }) => historyVariables(createdBy)),
  ];
  const seen = new Set<string>();
  return variables.filter(({ name, value }) => {
    const key = JSON.stringify([name, value]);
    return isSecretVariable(name, value) && !seen.has(key) && seen.add(key);
  });
}

function toVariable(text: string, place: SecretVariable['place']): readonly SecretVariable[] {
  const equals = text.indexOf('=');
  if (equals < 1) return [];
  const value = text.slice(equals + 1).replace(/^(["'])(.*)\1$/, '$2');
  return [{ name: text.slice(0, equals), value, place }];
}

/**
 * As both builders write them: `RUN |2 NAME=value NAME=value /bin/sh -c …` has the build arguments that the command saw, with a bar and their number;
 * `ENV NAME=value`, also behind `/bin/sh -c #(nop)`.
 */
function historyVariables(createdBy: string): readonly SecretVariable[] {
  const run = /^(?:RUN )?\|(\d{1,3}) (.*)$/s.exec(createdBy);
  if (run !== null)
    return words(run[2] ?? '')
      .slice(0, Number(run[1]))
      .flatMap((text) => toVariable(text, 'argument'));
  const env = /^(?:\/bin\/sh -c #\(nop\) {1,4})?ENV (.*)$/s.exec(createdBy);
  return env === null ? [] : words(env[1] ?? '').flatMap((text) => toVariable(text, 'history'));
}

function words(text: string): readonly string[] {
  return text.slice(0, 65_536).match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
}
