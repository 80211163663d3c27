import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Variables = Readonly<Record<string, string | undefined>>;

/** A file in which earlier logins are kept. */
export interface LoginFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The files of logins that there are, in the order in which they count: that of `REGISTRY_AUTH_FILE`, which whoever sets it means; Docker's; those of
 * Podman, Buildah and Skopeo, which read Docker's, too.
 * https://github.com/containers/image/blob/v5.36.2/docs/containers-auth.json.5.md
 */
export async function readLoginFiles(env: Variables, dockerFolder: string): Promise<readonly LoginFile[]> {
  const { REGISTRY_AUTH_FILE: named, XDG_RUNTIME_DIR: runtime, XDG_CONFIG_HOME: config } = env;
  const paths = [
    ...(named ? [named] : []),
    join(dockerFolder, 'config.json'),
    join(runtime ? join(runtime, 'containers') : `/run/containers/${process.getuid?.() ?? ''}`, 'auth.json'),
    join(config || join(homedir(), '.config'), 'containers', 'auth.json'),
  ];
  const files = await Promise.all(paths.map(read));
  return files.filter((file) => file !== undefined);
}

async function read(path: string): Promise<LoginFile | undefined> {
  try {
    return { path, bytes: await readFile(path) };
  } catch {
    return undefined;
  }
}
