import type { SecretValue } from '../lib/secret-value.ts';
import type { StepError } from '../lib/step-error.ts';
import type { Annotation } from '../model/annotation.ts';

/**
 * Where the step runs. Every text given to a host is plain text that may quote a hostile image; the host makes it harmless for its own
 * channel. Reporting never decides the exit code: `annotate`, `summarise` and `comment` log a warning instead of rejecting.
 */
export interface Host {
  readonly kind: 'github' | 'azure-pipelines' | 'shell';
  /** Absolute path of the checked-out repository (or the current folder). */
  readonly workspace: string;
  /** Absolute path of a folder whose content does not outlive the job. */
  readonly temporaryFolder: string;
  /** How `summarise` wants the report. */
  readonly summaryFormat: SummaryFormat;
  /** Keeps a secret out of everything that the host shows: each of its lines, and what they are in base64, URLs and JSON. Before anything else runs. */
  mask(secret: SecretValue): void;
  /** One line of the log. */
  log(level: 'info' | 'warning', line: string): void;
  /** How far a long step is: redrawn on a terminal; in a CI log only the line at its end. */
  progress(progress: Progress): void;
  /** Puts annotations, most severe first, where the host shows them. */
  annotate(annotations: readonly Annotation[], run: RunOutcome): Promise<void>;
  /** Puts the report (in `summaryFormat`) where a reader of the run finds it. */
  summarise(text: string): Promise<void>;
  /** Makes or updates the step's one comment on the pull request; does nothing outside a pull request. */
  comment(markdown: string, run: RunOutcome): Promise<void>;
  /** What `output` takes of secrets: `none` where nothing can be handed to later steps, `single-line` where no secret of several lines can. */
  readonly secretOutputs: 'any' | 'single-line' | 'none';
  /** Sets an output of the step. A secret one is masked before, and only those later steps of the job have it that name it. */
  output(name: string, value: string | SecretValue): void;
  /** Shows an error that ends the step. */
  fail(error: StepError): void;
}

export type SummaryFormat =
  | { readonly kind: 'markdown'; readonly maxBytes: number; readonly commentMaxCharacters: number }
  | { readonly kind: 'table'; readonly colour: boolean; readonly columns: number };

export interface Progress {
  /** What is done, e.g. `reading layers`. One step is one text. */
  readonly step: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly bytes: number;
  /** Monotonic milliseconds since the step began. */
  readonly elapsedMs: number;
  readonly finished: boolean;
}

export interface RunOutcome {
  readonly conclusion: 'success' | 'failure' | 'neutral';
  /** One line. */
  readonly title: string;
  /** Markdown, escaped by the renderer. */
  readonly summary: string;
}
