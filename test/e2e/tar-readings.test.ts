import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanPath } from '../../src/lib/clean-path.ts';
import { StepError } from '../../src/lib/step-error.ts';
import { decodeTarText } from '../../src/lib/tar-text.ts';
import { randomNumbers } from '../layer/random-stack.ts';
import { randomTar } from '../layer/random-tar.ts';
import { listTar } from '../layer/tar-listing.ts';
import { listArchive } from '../source/archive-listing.ts';
import { shared } from './peers.ts';

/** Entries of one tar in one line each, or why there are none. */
type Reading = readonly string[] | { readonly refused: string };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tar-readings-'));
  execFileSync('go', ['build', '-o', join(folder, 'gotar'), '.'], { cwd: join(import.meta.dirname, 'gotar-batch') });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What Go sees, its names cleaned as ours are; global headers, which no runtime unpacks, left out. */
function readByGo(paths: readonly string[]): ReadonlyMap<string, Reading> {
  const output = execFileSync(join(folder, 'gotar'), { input: paths.join('\n'), maxBuffer: 2 ** 30, encoding: 'utf8' });
  const readings = new Map<string, Reading>();
  for (const block of output.split(/^= /m).slice(1)) {
    const [path = '', ...lines] = block.trimEnd().split('\n');
    const entries = lines.slice(0, -1).map((line) => line.split(' '));
    readings.set(path, lines.at(-1) === 'end' ? entries.filter(([type]) => type !== 'g').map(toLine) : { refused: 'by Go' });
  }
  return readings;
}

const types: Readonly<Record<string, string>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
};

function toLine([type = '', size, digest, name = '', link = '']: readonly string[]): string {
  const linkName = decodeTarText(Buffer.from(link, 'hex'));
  const shown = type === '1' ? cleanPath(linkName) : type === '2' ? linkName : '';
  return [types[type] ?? type, size, digest, cleanPath(decodeTarText(Buffer.from(name, 'hex'))), shown].join(' ');
}

function readByUs(bytes: Buffer): Reading {
  try {
    return listTar(bytes).map(({ type, sizeBytes, digest, path, linkName }) => [type, sizeBytes, digest, path, linkName].join(' '));
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === undefined) throw error;
    return { refused: `${code}: ${message.replace(/^.*?: /, '')}` };
  }
}

/** What the reader of image archives, which takes no sparse files and shows no devices, gives of each entry. */
async function readAsArchive(bytes: Buffer): Promise<Reading> {
  try {
    return (await listArchive(bytes)).map((entry) =>
      entry.kind === 'file' ? `file ${entry.sizeBytes} ${digestOf(entry.content)} ${entry.path}` : `${entry.kind} ${entry.path}`,
    );
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return { refused: error.message };
  }
}

function toArchiveReading(reading: Reading | undefined): Reading | undefined {
  return reading === undefined || 'refused' in reading ? reading : reading.flatMap(toArchiveLine);
}

/** A line of `toLine` as `readAsArchive` has it; none for what it passes over. */
function toArchiveLine(line: string): readonly string[] {
  const [type = '', size, digest, path] = line.split(' ');
  if (type === 'file') return [`file ${size} ${digest} ${path}`];
  return type === 'directory' ? [`directory ${path}`] : type === 'device' || type === 'fifo' ? [] : [`link ${path}`];
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function inflate(bytes: Buffer): Buffer {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}

/** How a tar is told to have a form of header. GNU's old sparse files (type S) are refused as a whole, so no tar that is taken has one. */
const forms: Readonly<Record<string, (text: string) => boolean>> = {
  v7: (text) => headersOf(text).some((header) => header.slice(257, 263) === '\0'.repeat(6)),
  ustar: (text) => text.includes('ustar\x0000'),
  star: (text) => headersOf(text).some((header) => header.slice(508, 512) === 'tar\0'),
  gnu: (text) => text.includes('ustar  \0'),
  'base-256 number': (text) => headersOf(text).some((header) => /[\x80-\xff]/.test(header.slice(100, 148))),
  'PAX records': (text) => text.includes('PaxHeaders/x'),
  'global PAX records': (text) => text.includes('pax_global_header'),
  'GNU long name or link': (text) => text.includes('././@LongLink'),
  'PAX and GNU names together': (text) => text.includes('././@LongLink') && text.includes('PaxHeaders/x'),
  'sparse 0.0': (text) => text.includes('GNU.sparse.numbytes=') && text.includes('GNU.sparse.size='),
  'sparse 0.1': (text) => text.includes('GNU.sparse.map=') && text.includes('GNU.sparse.size='),
  'sparse 1.0': (text) => text.includes('GNU.sparse.major=1'),
};

function formsOf(bytes: Buffer): readonly string[] {
  const text = bytes.toString('latin1');
  return Object.keys(forms).filter((form) => forms[form]?.(text));
}

/** Blocks that may be headers: those that begin a checksum of six digits. */
function headersOf(text: string): readonly string[] {
  const blocks = Array.from({ length: Math.floor(text.length / 512) }, (_, at) => text.slice(at * 512, at * 512 + 512));
  return blocks.filter((block) => /^[0-7]{6}\0 /.test(block.slice(148, 156)));
}

describe('one tar, one reading', () => {
  it('the shared readings are read as Go reads them, or refused', async () => {
    const directory = shared('testdata/tar-readings');
    const paths = readdirSync(directory)
      .filter((name) => name.endsWith('.tar'))
      .map((name) => join(directory, name));
    const byGo = readByGo(paths);
    const refused: Record<string, string> = {};
    for (const path of paths) {
      const ours = readByUs(readFileSync(path));
      if ('refused' in ours) refused[basename(path, '.tar')] = ours.refused.replace(/:.*/, '');
      else expect(ours, path).toEqual(byGo.get(path));
      const asArchive = await readAsArchive(readFileSync(path));
      if (!('refused' in asArchive)) expect(asArchive, path).toEqual(toArchiveReading(byGo.get(path)));
    }
    expect(paths.length).toBe(26);
    expect(refused).toEqual({
      '01_symlink_with_body': 'ambiguous-tar',
      '02_dir_with_body': 'ambiguous-tar',
      '03_hardlink_with_body': 'ambiguous-tar',
      '08_after_eof': 'ambiguous-tar',
      '09_one_zero_block': 'malformed-tar',
      '10_pax_bad_len': 'malformed-tar',
      '11_truncated_no_eof': 'malformed-tar',
      '12_truncated_body': 'malformed-tar',
      '13_neg_size': 'malformed-tar',
      '16_global_pax_path': 'ambiguous-tar',
      '17_unknown_type': 'unsupported',
      '18_nul_in_pax_path': 'malformed-tar',
      '25_regA_trailing_slash': 'ambiguous-tar',
      '26_contig_type7': 'unsupported',
    });
  });

  it('so are 20,000 generated ones, as layers and as image archives', async () => {
    const archives = Array.from({ length: 20_000 }, (_, seed) => randomTar(randomNumbers(seed * 104_729)));
    const paths = archives.map((bytes, seed) => {
      const path = join(folder, `${seed}.tar`);
      writeFileSync(path, bytes);
      return path;
    });
    const byGo = readByGo(paths);
    const agreed = { layer: 0, archive: 0 };
    const accepted: Record<string, number> = {};
    for (const [seed, bytes] of archives.entries()) {
      const go = byGo.get(paths[seed] as string);
      const ours = readByUs(bytes);
      if (!('refused' in ours)) {
        expect(ours, `seed ${seed}`).toEqual(go);
        agreed.layer += 1;
        for (const form of formsOf(bytes)) accepted[form] = (accepted[form] ?? 0) + 1;
      }
      const asArchive = await readAsArchive(bytes);
      if (!('refused' in asArchive)) {
        expect(asArchive, `seed ${seed} as an archive`).toEqual(toArchiveReading(go));
        agreed.archive += 1;
      }
    }
    expect(Object.keys(forms).filter((form) => (accepted[form] ?? 0) < 50)).toEqual([]);
    expect(agreed.layer).toBeGreaterThan(1500);
    expect(agreed.archive).toBeGreaterThan(1500);
  });

  it('every layer of the real archives is taken', () => {
    const directory = shared('testdata/images');
    const archives = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tar'));
    let layers = 0;
    for (const archive of archives) {
      for (const member of listTar(inflate(readFileSync(join(directory, archive))))) {
        const bytes = inflate(Buffer.from(member.content, 'latin1'));
        const isTar = bytes.subarray(257, 262).toString() === 'ustar';
        if (member.type !== 'file' || !isTar) continue;
        expect(listTar(bytes).length, `${archive}: ${member.path}`).toBeGreaterThan(0);
        layers += 1;
      }
    }
    expect([archives.length, layers]).toEqual([14, 16]);
  });

  it('every layer of the shop image is read as Go reads it (SHOP_ARCHIVE)', async () => {
    const archive = process.env.SHOP_ARCHIVE;
    if (!archive) throw new Error('set SHOP_ARCHIVE to the shop.tar that ../shared/testdata/build-shop-image has built');
    const unpacked = join(folder, 'shop');
    mkdirSync(unpacked);
    execFileSync('tar', ['-xf', archive, '-C', unpacked, '--wildcards', '*/layer.tar']);
    const paths = readdirSync(unpacked, { recursive: true, encoding: 'utf8' })
      .map((name) => join(unpacked, name))
      .filter((path) => path.endsWith('.tar') && statSync(path).isFile());
    const byGo = readByGo(paths);
    for (const path of paths) expect(readByUs(readFileSync(path)), path).toEqual(byGo.get(path));
    expect(paths.length).toBeGreaterThan(8);
  });
});
