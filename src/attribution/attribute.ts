import { parseInstruction, toInstructionText } from '../lib/instruction-text.ts';
import type { Attribution, Finding } from '../model/finding.ts';
import type { HistoryEntry } from '../model/image.ts';
import { alignHistory } from './alignment.ts';
import { type BuildStep, parseDockerfile } from './dockerfile.ts';

/** One image of those that were read: its whole history, and how many layers it has. */
export interface BuiltImage {
  /** `os/architecture[/variant]`, as findings name it. */
  readonly platform: string;
  readonly history: readonly HistoryEntry[];
  readonly layers: number;
}

export interface BuildContext {
  readonly images: readonly BuiltImage[];
  /** The Dockerfile that the images are said to be built from: its path in the workspace, with `/`. */
  readonly dockerfile: { readonly path: string; readonly text: string } | undefined;
}

/**
 * Gives each finding the instruction that brought it, and its line where the Dockerfile is the one that the history tells of. What lies in the base
 * image is on the FROM line. A finding whose origin is not sure gets none: a wrong line is worse than none.
 */
export function attribute(findings: readonly Finding[], context: BuildContext): readonly Finding[] {
  const locators = new Map(context.images.map((image) => [image.platform, createLocator(image, context.dockerfile)]));
  return findings.map((finding) => {
    const locate = finding.platforms.map((platform) => locators.get(platform)).find((locator) => locator !== undefined);
    const attribution = locate?.(finding);
    return attribution === undefined ? finding : { ...finding, attribution };
  });
}

type Locator = (finding: Finding) => Attribution | undefined;

function createLocator(image: BuiltImage, dockerfile: BuildContext['dockerfile']): Locator {
  const { history } = image;
  const layerEntries = history.flatMap((entry, index) => (entry.emptyLayer ? [] : [index]));
  // A history that does not fit the layers (squashed, or written by hand) tells of none of them.
  const entryOfLayer = layerEntries.length === image.layers ? layerEntries : [];
  const places = dockerfile === undefined ? undefined : alignHistory(history, parseDockerfile(dockerfile.text));

  function at(entry: number): Attribution | undefined {
    const step = places?.[entry];
    if (step !== undefined && dockerfile !== undefined) return toAttribution(step, dockerfile.path);
    const instruction = parseInstruction(history[entry]?.createdBy ?? '');
    return instruction === undefined ? undefined : { instruction: toInstructionText(instruction.keyword, instruction.rest) };
  }

  return (finding) => {
    if (finding.layer !== undefined) {
      const entry = entryOfLayer[finding.layer];
      return entry === undefined ? undefined : at(entry);
    }
    const entry = findConfigurationEntry(finding, history);
    if (entry !== undefined) return at(entry);
    const base = places?.find((step) => step?.keyword === 'FROM');
    return base !== undefined && dockerfile !== undefined && isAboutUser(finding) ? toAttribution(base, dockerfile.path) : undefined;
  };
}

function toAttribution(step: BuildStep, file: string): Attribution {
  return { instruction: toInstructionText(step.keyword, step.text === '' ? step.heredoc : step.text), file, line: step.line };
}

/** The last entry that set what a finding of the image's configuration is about: the variable or label that its title names, or the user. */
function findConfigurationEntry(finding: Finding, history: readonly HistoryEntry[]): number | undefined {
  const [, place = '', name = ''] = /\b(ENV|LABEL|argument|variable) ([\w.-]+)/.exec(finding.title) ?? [];
  const keyword = { ENV: 'ENV', LABEL: 'LABEL', argument: 'ARG', variable: 'ENV' }[place];
  const index = history.findLastIndex(({ createdBy }) => {
    const instruction = parseInstruction(createdBy);
    if (instruction === undefined) return false;
    if (isAboutUser(finding)) return instruction.keyword === 'USER';
    return instruction.keyword === keyword && toNames(instruction.rest).includes(name);
  });
  return index < 0 ? undefined : index;
}

function isAboutUser(finding: Finding): boolean {
  return finding.kind === 'misconfiguration' && /\broot\b/i.test(finding.rule.replaceAll('-', ' '));
}

/** `A=b C="d e"`, or `A b` of old. */
function toNames(rest: string): readonly string[] {
  const names = [...rest.matchAll(/(?:^|\s)"?([A-Za-z_][\w./-]*)"?=/g)].flatMap((match) => match[1] ?? []);
  return names.length > 0 ? names : rest.split(/\s/, 1);
}
