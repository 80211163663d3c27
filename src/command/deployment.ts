import { posix } from 'node:path';
import { parseVariables } from '../deployment/compose-variable.ts';
import { type Deployment, findUsedImages } from '../deployment/deployment.ts';
import type { DeploymentFile, Remark } from '../deployment/used-image.ts';
import type { VerifySettings } from '../inputs/settings.ts';
import { StepError } from '../lib/step-error.ts';
import { findDeploymentFiles, readDeploymentFile, readStandardInput, standardInputPath } from './deployment-files.ts';
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
  for (const path of paths) {
    const text = path === standardInputPath ? await readStandardInput(world.environment.standardInput) : undefined;
    await reading.add(path, 'included', undefined, text);
  }
  const found = await reading.find();
  if (found.images.length > 0 || found.remarks.some(({ level }) => level === 'error')) return { ...found, files: reading.files };
  throw new StepError({
    code: 'no-image',
    origin: 'input',
    message: `There is no image in ${paths.length === 1 ? JSON.stringify(paths[0]) : `the ${paths.length} files`} of the input deployment`,
    hint: 'Give Kubernetes manifests, what helm template or kustomize build prints, a kustomization with images, or a Compose file.',
  });
}

/** The files of a deployment, as they become known. */
class Reading {
  readonly #settings: VerifySettings;
  readonly #workspace: string;
  readonly #included = new Map<string, DeploymentFile>();
  readonly #extended = new Map<string, DeploymentFile>();
  readonly #variables = new Map<string, ReadonlyMap<string, string>>();
  readonly #remarks: Remark[] = [];
  readonly #tried = new Set<string>();

  constructor(settings: VerifySettings, workspace: string) {
    this.#settings = settings;
    this.#workspace = workspace;
  }

  get files(): readonly DeploymentFile[] {
    return [...this.#included.values(), ...this.#extended.values()];
  }

  /** `by`: the file that needs this one; undefined for one that the user named. */
  async add(
    path: string,
    as: 'included' | 'extended',
    by: string | undefined,
    given?: Awaited<ReturnType<typeof readStandardInput>>,
  ): Promise<void> {
    this.#tried.add(`${as} ${path}`);
    const read = given ?? (await readDeploymentFile(path, by === undefined, this.#workspace));
    if (read.kind === 'unreadable') {
      const reason = `${by === undefined ? 'it cannot be read' : `${path}, which it needs, cannot be read`}: ${read.reason}`;
      this.#remarks.push({ level: 'error', file: by ?? path, line: 1, column: 1, reason });
      return;
    }
    (as === 'included' ? this.#included : this.#extended).set(path, { path, text: read.text });
    this.#variables.set(path, await this.#readVariables(path, by));
  }

  /** Goes on until no file needs another one. */
  async find(): Promise<Pick<Deployment, 'images' | 'remarks'>> {
    for (;;) {
      const found = findUsedImages({
        files: [...this.#included.values()],
        extended: [...this.#extended.values()],
        variables: ({ path }) => this.#variables.get(path) ?? new Map(),
      });
      const needed = found.needed.filter(({ as, path }) => !this.#tried.has(`${as} ${path}`));
      if (needed.length === 0 || this.#tried.size > neededLimit + this.#settings.deployment.length) {
        return { images: found.images, remarks: [...this.#remarks, ...found.remarks, ...this.#left(needed.map(({ path }) => path))] };
      }
      for (const { path, as, by } of needed) await this.add(path, as, by);
    }
  }

  #left(paths: readonly string[]): readonly Remark[] {
    return paths.map((file) => ({
      level: 'error',
      file,
      line: 1,
      column: 1,
      reason: `it was not read: more than ${neededLimit} files need each other`,
    }));
  }

  /** Those of the `.env` file beside it, over them those of who includes it, over them those that were given. */
  async #readVariables(path: string, by: string | undefined): Promise<ReadonlyMap<string, string>> {
    const outer = by === undefined ? this.#settings.composeVariables : (this.#variables.get(by) ?? this.#settings.composeVariables);
    const file = posix.join(path === standardInputPath ? '.' : posix.dirname(path), '.env');
    const read = await readDeploymentFile(file, false, this.#workspace);
    return new Map([...(read.kind === 'text' ? parseVariables(read.text, outer) : []), ...outer]);
  }
}
