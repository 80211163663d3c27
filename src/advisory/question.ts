import { firstFew } from '../lib/first-few.ts';
import type { CoverageGap } from '../model/finding.ts';
import type { Package, ReleasedPackage } from '../model/package.ts';
import { isSameEcosystem, type Subject, toSubject } from './ecosystem.ts';

/** One question to a source: a package as advisories name it, and those of the image that it stands for. */
export interface Question {
  /** Equal for the same question. */
  readonly key: string;
  readonly subject: Subject;
  readonly packages: readonly Package[];
}

/** Asks once for packages that are the same to an advisory, and says of which packages nothing can be asked. */
export function toQuestions(packages: readonly Package[]): {
  readonly questions: readonly Question[];
  readonly gaps: readonly CoverageGap[];
} {
  const questions = new Map<string, Question & { readonly packages: Package[] }>();
  const unasked = new Map<string, { code: CoverageGap['code']; packages: Package[] }>();
  for (const item of packages) {
    const subject = toSubject(item);
    if (subject === undefined) {
      const reason =
        item.ecosystem === undefined ? `of ${item.type} packages no release is known` : `no version order for ${item.ecosystem}`;
      const entry = unasked.get(reason) ?? { code: item.ecosystem === undefined ? 'no-release' : 'no-advisories', packages: [] };
      entry.packages.push(item);
      unasked.set(reason, entry);
      continue;
    }
    const key = toKey(subject);
    const entry = questions.get(key) ?? { key, subject, packages: [] };
    entry.packages.push(item);
    questions.set(key, entry);
  }
  return { questions: [...questions.values()], gaps: [...unasked].map(([reason, entry]) => toGap(entry.code, reason, entry.packages)) };
}

/** What will be asked about packages of which the image is not known yet. */
export function toExpectedQuestions(packages: readonly ReleasedPackage[]): readonly Question[] {
  return packages.flatMap((item) => {
    const subject = toSubject(item);
    return subject === undefined ? [] : [{ key: toKey(subject), subject, packages: [] }];
  });
}

function toKey({ ecosystem, name, version, module }: Subject): string {
  return JSON.stringify([ecosystem, name, version, module]);
}

/** By ecosystem without release, as databases are divided. */
export function groupByBase(questions: readonly Question[]): Map<string, Question[]> {
  const groups = new Map<string, Question[]>();
  for (const question of questions) {
    const group = groups.get(question.subject.base);
    if (group === undefined) groups.set(question.subject.base, [question]);
    else group.push(question);
  }
  return groups;
}

/** One gap for packages of which a source can say nothing. */
export function toGap(code: CoverageGap['code'], reason: string, packages: readonly Package[]): CoverageGap {
  const names = [...new Set(packages.map((item) => item.name))];
  return { code, path: packages[0]?.path, layer: packages[0]?.layer, reason: `${reason}: no advisories for ${firstFew(names, 3)}` };
}

/** A package whose version cannot be held against records that name it. */
export function toIncomparableGap({ subject: { name, version }, packages: [item] }: Question, ids: readonly string[]): CoverageGap {
  const reason = `version ${JSON.stringify(version)} of ${name} cannot be compared with those of ${firstFew(ids, 3)}`;
  return { code: 'unsupported', path: item?.path, layer: item?.layer, reason };
}

/** A database that lacks a release says nothing about it: no match is then not the same as clean. `recorded`: the ecosystems that its records name. */
export function silentGaps(database: string, recorded: Iterable<string>, asked: readonly Question[]): readonly CoverageGap[] {
  const releases = [...recorded];
  const ecosystems = new Set(asked.map(({ subject }) => subject.ecosystem));
  const silent = [...ecosystems].filter((ecosystem) => !releases.some((release) => isSameEcosystem(release, ecosystem)));
  return silent.map((ecosystem) => {
    const packages = asked.filter(({ subject }) => subject.ecosystem === ecosystem).flatMap((question) => question.packages);
    return toGap('no-advisories', `${database} has no record of ${ecosystem}`, packages);
  });
}
