import type { HostKind } from '../../main/step-run.ts';
import type { CanaryWorld, Scene } from '../canary/world.ts';

/** One way in which a credential, or what it is for, fails. */
export interface Failure {
  /** As the documents call it. */
  readonly what: string;
  readonly code: string;
  /** Default 3. */
  readonly exitCode?: 0 | 2 | 3;
  /** Default: the command line. */
  readonly host?: HostKind;
  /** Makes the sandbox fail, and gives what the run is given. */
  set(world: CanaryWorld): Scene | Promise<Scene>;
}

export interface FailureGroup {
  readonly title: string;
  readonly failures: readonly Failure[];
}
