import { parse, TomlError } from 'smol-toml';
import { type Fields, itemsOf, toFields } from '../document.ts';

/**
 * The tables of an array of tables of a TOML file, what is no table as one without members. A library reads it, for TOML can say one thing
 * in many ways, and what hides from us in one must not be a package to its tool. Throws where the file is not TOML.
 */
export function parseTomlTables(content: Buffer, name: string): readonly Fields[] {
  return itemsOf(parseToml(content.toString('utf8')), name).map((item) => toFields(item) ?? {});
}

function parseToml(text: string): Fields {
  try {
    return parse(text.replace(/^\uFEFF/, ''), { maxDepth: 50, integersAsBigInt: 'asNeeded' });
  } catch (error) {
    throw new Error(error instanceof TomlError ? `it is not TOML, as line ${error.line} shows` : 'it is not TOML');
  }
}
