import { DockerfileParser, From, type Instruction } from 'dockerfile-ast';

/** One instruction of a Dockerfile. */
export interface BuildStep {
  readonly keyword: string;
  /** Its arguments on one line, without comments and flags; variables as they stand. */
  readonly text: string;
  /** What its here-documents hold, else empty. */
  readonly heredoc: string;
  /** 1-based. */
  readonly line: number;
}

/** What builds one stage, beginning with the FROM line of the image that it rests on; the stages that it rests on in the file are included. */
export type StageSteps = readonly BuildStep[];

/** Larger files are not written by hand, and comparing them would take long. */
const maxCharacters = 256 * 1024;
const maxSteps = 400;

/**
 * The steps of each stage, last stage first, for it is what is built unless another is asked for; none where the file is too large or has no FROM.
 * https://docs.docker.com/reference/dockerfile/
 */
export function parseDockerfile(text: string): readonly StageSteps[] {
  if (text.length > maxCharacters) return [];
  const document = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const dockerfile = DockerfileParser.parse(document);
  const instructions = dockerfile.getInstructions();
  if (instructions.length > maxSteps) return [];
  const lines = document.split('\n');
  const escapeCharacter = dockerfile.getEscapeCharacter();
  const stages: { readonly name: string | undefined; readonly steps: BuildStep[] }[] = [];
  const globals = new Map<string, string>();
  for (const instruction of instructions) {
    const step = toStep(instruction, lines, escapeCharacter);
    const open = stages.at(-1);
    if (instruction instanceof From) {
      const image = substitute(instruction.getImage() ?? '', globals);
      const name = instruction.getBuildStage()?.toLowerCase();
      // The last of that name before it counts. Numbers name stages only in COPY --from.
      const parent = stages.findLast((stage) => stage.name !== undefined && stage.name === image.toLowerCase());
      stages.push({ name, steps: parent === undefined ? [{ ...step, text: image }] : [...parent.steps] });
    } else if (open === undefined) define(globals, step.text);
    else open.steps.push(step);
  }
  return stages.map(({ steps }) => steps).reverse();
}

function toStep(instruction: Instruction, lines: readonly string[], escapeCharacter: string): BuildStep {
  const { start, end } = instruction.getRange();
  const own = lines.slice(start.line, end.line + 1);
  const continued = new RegExp(`${escapeCharacter === '\\' ? '\\\\' : '`'}[ \\t]*$`);
  let text = '';
  let read = 0;
  for (const line of own) {
    read += 1;
    // Comments and empty lines within a continued instruction are no part of it.
    if (read > 1 && /^\s*(?:#|$)/.test(line)) continue;
    text += `${line.replace(continued, '')} `;
    if (!continued.test(line)) break;
  }
  const keyword = instruction.getKeyword().toUpperCase();
  return {
    keyword,
    text: stripFlags(toOneLine(text).slice(keyword.length).trim()),
    heredoc: toOneLine(own.slice(read).join('\n')),
    line: start.line + 1,
  };
}

/** `--from=build --chown=1:1`, which no history repeats. */
export function stripFlags(text: string): string {
  return text.replace(/^(?:--[a-z][\w-]*(?:=(?:"[^"]*"|'[^']*'|[^\s"'])*)?(?:\s+|$))+/, '');
}

function toOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** `ARG NAME=value` before the first FROM: the only variables that FROM knows. */
function define(globals: Map<string, string>, text: string): void {
  for (const [, name = '', value = ''] of text.matchAll(/([A-Za-z_]\w*)=("[^"]*"|'[^']*'|\S*)/g)) {
    globals.set(name, substitute(value.replace(/^(["'])(.*)\1$/, '$2'), globals));
  }
}

/** `$NAME`, `${NAME}`, `${NAME:-default}`; a variable that the file gives no value stays as it is. */
function substitute(text: string, globals: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})/g, (whole, plain?: string, braced?: string, fallback?: string) => {
    return globals.get(plain ?? braced ?? '') ?? fallback ?? whole;
  });
}
