import { posix } from 'node:path';
import { type Deployment, type DeploymentPart, findUsedImages } from '../deployment/deployment.ts';
import { parseEnvFile } from '../deployment/env-file.ts';
import type { DeploymentFile, NeededFile, Remark } from '../deployment/used-image.ts';
import { type ParsedFile, parseYamlFile } from '../deployment/yaml-file.ts';
import type { VerifySettings } from '../inputs/settings.ts';
import { firstFew } from '../lib/first-few.ts';
import { StepError } from '../lib/step-error.ts';
import {
  type DeploymentPath,
  type FileText,
  findDeploymentFiles,
  readDeploymentFile,
  readStandardInput,
  standardInputPath,
} from './deployment-files.ts';
import type { World } from './world.ts';

/** The images of the input `deployment`, and the texts of the files that name them. */
export interface ReadDeployment extends Pick<Deployment, 'images' | 'remarks'> {
  readonly files: readonly DeploymentFile[];
}

/** Most files that include and extend each other. */
const neededLimit = 200;

/** Reads the deployment, and the files that its Compose files include and extend. Rejects with a StepError of origin `input` where it names no image at all. */
export async function readDeployment(settings: VerifySettings, workspace: string, world: World): Promise<ReadDeployment> {
  const paths = await findDeploymentFiles(settings.deployment, workspace);
  const reading = new Reading(settings, workspace);
  for (const file of paths) {
    await reading.add(file, file.path === standardInputPath ? await readStandardInput(world.environment.standardInput) : undefined);
  }
  const found = await reading.find();
  if (found.images.length > 0 || found.remarks.some(({ level }) => level === 'error')) return { ...found, files: reading.files };
  const reasons = found.remarks.map(({ reason }) => reason);
  throw new StepError({
    code: 'no-image',
    origin: 'input',
    message: `There is no image in ${paths.length === 1 ? JSON.stringify(paths[0]?.path) : `the ${paths.length} files`} of the input deployment${
      reasons.length === 0 ? '' : `: ${firstFew(reasons, 3, '; ')}`
    }`,
    hint: 'Give Kubernetes manifests, what helm template or kustomize build prints, a kustomization with images, or a Compose file.',
  });
}

/** The files of a deployment, as they become known. */
class Reading {
  readonly #settings: VerifySettings;
  readonly #workspace: string;
  readonly #files = new Map<string, ParsedFile | undefined>();
  readonly #parts: DeploymentPart[] = [];
  readonly #extended = new Map<string, ParsedFile>();
  readonly #remarks: Remark[] = [];
  readonly #tried = new Set<string>();

  constructor(settings: VerifySettings, workspace: string) {
    this.#settings = settings;
    this.#workspace = workspace;
  }

  get files(): readonly DeploymentFile[] {
    return [...this.#files.values()].flatMap((parsed) => parsed?.file ?? []);
  }

  /** A file that the user named, or that is in a folder of those. */
  async add({ path, isLink }: DeploymentPath, text: FileText | undefined): Promise<void> {
    const parsed = await this.#parse(path, undefined, text ?? (await readDeploymentFile(path, !isLink, this.#workspace)));
    const folder = path === standardInputPath ? '.' : posix.dirname(path);
    if (parsed === undefined) return;
    const variables = await this.#readVariables(path, folder, undefined, this.#settings.composeVariables);
    this.#parts.push({ parsed, folder, variables, isIncluded: false });
  }

  /** Goes on until no file needs another one. */
  async find(): Promise<Pick<Deployment, 'images' | 'remarks'>> {
    for (;;) {
      const found = findUsedImages(this.#parts, this.#extended);
      const needed = new Map(found.needed.map((file) => [toKey(file), file]));
      for (const key of this.#tried) needed.delete(key);
      if (needed.size === 0) return { images: found.images, remarks: [...this.#remarks, ...found.remarks] };
      for (const [key, file] of needed) {
        this.#tried.add(key);
        if (this.#tried.size <= neededLimit) await this.#addNeeded(file);
        else this.#remark(file.by, `${file.path} was not read: more than ${neededLimit} files need each other`);
      }
    }
  }

  async #addNeeded(needed: NeededFile): Promise<void> {
    const parsed = await this.#parse(needed.path, needed.by, undefined);
    if (parsed === undefined) return;
    if (needed.as === 'extended') {
      this.#extended.set(needed.path, parsed);
      return;
    }
    const { by, folder, variableFiles, given } = needed;
    this.#parts.push({ parsed, folder, variables: await this.#readVariables(by, folder, variableFiles, given), isIncluded: true });
  }

  /** `by`: the file that needs this one; undefined for one that the user named. */
  async #parse(path: string, by: string | undefined, given: FileText | undefined): Promise<ParsedFile | undefined> {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const read = given ?? (await readDeploymentFile(path, false, this.#workspace));
    if (read.kind === 'unreadable') {
      this.#remark(by ?? path, `${by === undefined ? 'it cannot be read' : `${path}, which it needs, cannot be read`}: ${read.reason}`);
      return undefined;
    }
    if (isOtherJson(path, read.text)) return undefined;
    const parsed = parseYamlFile({ path, text: read.text });
    this.#files.set(path, parsed);
    return parsed;
  }

  /** Those of the file `.env` in the folder, or of the files in its place; before them those that are given. */
  async #readVariables(
    by: string,
    folder: string,
    files: readonly string[] | undefined,
    given: ReadonlyMap<string, string>,
  ): Promise<ReadonlyMap<string, string>> {
    let variables: ReadonlyMap<string, string> = new Map();
    for (const path of files ?? [posix.join(folder, '.env')]) {
      const read = await readDeploymentFile(path, false, this.#workspace);
      if (read.kind === 'unreadable') {
        const isOptional = (files === undefined && read.isAbsent === true) || path === '/dev/null';
        if (!isOptional) this.#remark(by, `${path}, which it needs, cannot be read: ${read.reason}`);
        continue;
      }
      const parsed = parseEnvFile(read.text, given, variables);
      if (parsed.kind === 'broken') this.#remark(path, `it cannot be read: ${parsed.reason}`, parsed.line);
      else variables = parsed.variables;
    }
    return new Map([...variables, ...given]);
  }

  #remark(file: string, reason: string, line = 1): void {
    this.#remarks.push({ level: 'error', file, line, column: 1, reason });
  }
}

/** JSON with comments, as many tools have it for their settings. kubectl reads none. */
function isOtherJson(path: string, text: string): boolean {
  if (!path.endsWith('.json') || /kind|\\u/.test(text)) return false;
  try {
    JSON.parse(text);
    return false;
  } catch {
    return true;
  }
}

/** The same file is read again where other variables or another folder may lead to other images. */
function toKey(needed: NeededFile): string {
  if (needed.as === 'extended') return JSON.stringify(['extended', needed.path]);
  const { path, folder, variableFiles, given } = needed;
  return JSON.stringify(['included', path, folder, variableFiles ?? null, [...given].sort()]);
}
