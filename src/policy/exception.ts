import type { Finding } from '../model/finding.ts';
import { advisoryIds, packageNames, ruleIds } from './condition.ts';
import { isGlobMatch } from './glob.ts';
import type { Exception } from './policy.ts';

/** The exceptions of a policy in the course of one decision: finds those that name a finding, and keeps count of what they are good for. */
export class ExceptionBook {
  readonly #today: string;
  readonly #exceptions: readonly Exception[];
  readonly #byKey = new Map<string, Exception[]>();
  readonly #matching = new Set<Exception>();
  readonly #needed = new Set<Exception>();

  constructor(exceptions: readonly Exception[], today: string) {
    this.#today = today;
    this.#exceptions = exceptions;
    for (const exception of exceptions) {
      const key = toKey(exception.fingerprint ?? exception.id ?? '');
      const sharing = this.#byKey.get(key);
      if (sharing === undefined) this.#byKey.set(key, [exception]);
      else sharing.push(exception);
    }
  }

  /** The first exception that names the finding and has not expired. */
  match(finding: Finding, isDenied: boolean): Exception | undefined {
    const keys = new Set([finding.fingerprint, ...advisoryIds(finding), ...ruleIds(finding)].map(toKey));
    const candidates = [...keys].flatMap((key) => this.#byKey.get(key) ?? []);
    const matching = candidates.filter((exception) => isExcepted(exception, finding));
    const valid = matching.find((exception) => !this.#isExpired(exception));
    for (const exception of matching) {
      this.#matching.add(exception);
      if (isDenied && valid === undefined) this.#needed.add(exception);
    }
    return valid;
  }

  /** What the policy's author should know, after all findings: an exception that has expired, or that names nothing. */
  notices(): string[] {
    return this.#exceptions.flatMap((exception) => {
      const subject = `${exception.place}: the exception for ${exception.id ?? exception.fingerprint}`;
      if (this.#isExpired(exception)) {
        const effect = this.#needed.has(exception) ? 'what it excepted is denied again' : 'nothing needs it any more, remove it';
        return [`${subject} has expired on ${exception.expires}: ${effect}`];
      }
      return this.#matching.has(exception) ? [] : [`${subject} matches nothing: remove it`];
    });
  }

  #isExpired(exception: Exception): boolean {
    return exception.expires < this.#today;
  }
}

function toKey(id: string): string {
  return id.toLowerCase();
}

function isExcepted({ id, fingerprint, type, package: name, path }: Exception, finding: Finding): boolean {
  const item = finding.kind === 'vulnerability' ? finding.package : undefined;
  return (
    (id === undefined || [...advisoryIds(finding), ...ruleIds(finding)].some((text) => toKey(text) === toKey(id))) &&
    (fingerprint === undefined || fingerprint === finding.fingerprint) &&
    (type === undefined || item?.type === type) &&
    (name === undefined || packageNames(item).some((text) => isGlobMatch(name, text))) &&
    (path === undefined || (finding.path !== undefined && isGlobMatch(path, finding.path)))
  );
}
