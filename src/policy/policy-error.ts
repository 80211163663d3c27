import { StepError } from '../lib/step-error.ts';

export type PolicyErrorCode = 'invalid-policy';

/** What is wrong with a policy file, at a place in it. */
export interface PolicyIssue {
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

const issuesShown = 20;

/** All issues in one error, in the order of the file. */
export function policyError(fileName: string, issues: readonly PolicyIssue[], cause?: unknown): StepError<PolicyErrorCode> {
  const sorted = [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
  const listed = sorted.slice(0, issuesShown).map(({ line, column, reason }) => `${fileName}:${line}:${column}: ${reason}`);
  const rest = sorted.length > issuesShown ? [`and ${sorted.length - issuesShown} more`] : [];
  return new StepError({
    code: 'invalid-policy',
    origin: 'policy',
    message: `cannot read policy: ${[...listed, ...rest].join('; ')}`,
    hint: 'correct the file; docs/policy.md shows every key',
    ...(cause === undefined ? {} : { cause }),
  });
}
