/** One remark on a line of the repository, or on the run where it has no line. Plain text: each host escapes it for its own channel. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
  /** Path in the workspace, with `/`. */
  readonly file: string | undefined;
  /** 1-based. */
  readonly line: number | undefined;
}
