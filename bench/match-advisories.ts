/**
 * Matches packages as the step does, and nothing else: what a source costs by itself. Bundled and started by advisory-rows.ts.
 *   node match-advisories.js snapshot|directory PATH PACKAGES.json
 */
import { readFile } from 'node:fs/promises';
import { AdvisoryDirectory } from '../src/advisory/advisory-directory.ts';
import { openSnapshotFile } from '../src/advisory/snapshot/snapshot-source.ts';
import type { Package } from '../src/model/package.ts';

const [kind, path = '', packagesFile = ''] = process.argv.slice(2);
const packages = JSON.parse(await readFile(packagesFile, 'utf8')) as readonly Package[];
const source = kind === 'snapshot' ? openSnapshotFile(path) : new AdvisoryDirectory(path);
const { matches, gaps } = await source.match(packages);
console.log(JSON.stringify({ matches: matches.length, gaps: gaps.length }));
