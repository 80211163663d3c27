import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

const flags = ['--runtime', 'stub', '--noAssert', '-O3', '--importMemory', '--sharedMemory', '--enable', 'threads', '--use', 'abort='];
const memory = ['--initialMemory', '64', '--maximumMemory', '65536'];

/** Compiles wasm/deflate.ts to the module src/layer/deflate-wasm.ts. Equal sources give equal text. */
export async function deflateModule(): Promise<string> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(['wasm/deflate.ts', '--outFile', 'deflate.wasm', ...flags, ...memory], {
    readFile: (name, folder) => readSource(`${folder}/${name}`),
    writeFile: (_name, contents) => {
      if (typeof contents !== 'string') binary = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) throw new Error(`wasm/deflate.ts does not compile: ${stderr.toString()}`);
  const text = Buffer.from(binary).toString('base64');
  return `// Generated from wasm/deflate.ts by scripts/generate.ts.\nexport const deflateWasm =\n  '${text}';\n`;
}

function readSource(path: string): string | null {
  try {
    return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  } catch {
    return null;
  }
}
