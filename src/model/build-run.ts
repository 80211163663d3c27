/** What the host says of the job that the step runs in, in the words of https://slsa.dev/spec/v1.0/provenance. Nothing that it does not say is made up. */
export interface BuildRun {
  /** URI of what the parameters mean. */
  readonly buildType: string;
  /** URI of who runs the job. */
  readonly builder: string;
  /** URL of the run, down to the attempt. */
  readonly invocation: string;
  /** What a user of the repository chose. */
  readonly externalParameters: Readonly<Record<string, unknown>>;
  /** What the host set. */
  readonly internalParameters: Readonly<Record<string, unknown>>;
  /** What was checked out, where the host says so. */
  readonly source: BuildSource | undefined;
}

export interface BuildSource {
  /** `git+https://HOST/REPOSITORY@REF`, without credentials. */
  readonly uri: string;
  /** Of Git, in hexadecimal digits. */
  readonly commit: string;
}
