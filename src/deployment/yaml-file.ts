import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import type { DeploymentFile, Remark } from './used-image.ts';
import { placeAt, YamlDocument } from './yaml-document.ts';
import { findNodeDoubts, findTextDoubts } from './yaml-doubt.ts';

/** Longest file of a deployment: the output of a chart with its resource definitions has a few megabytes. */
export const fileLimitCharacters = 16 * 1024 * 1024;

export interface ParsedFile {
  readonly file: DeploymentFile;
  readonly documents: readonly YamlDocument[];
  readonly remarks: readonly Remark[];
}

/** Documents of a YAML or JSON file. What is no YAML is a remark at its line, and gives no document. */
export function parseYamlFile(file: DeploymentFile): ParsedFile {
  if (file.text.length > fileLimitCharacters) {
    const reason = `the file has more than ${fileLimitCharacters} characters`;
    return { file, documents: [], remarks: [{ file: file.path, line: 1, column: 1, level: 'error', reason }] };
  }
  const lines = new LineCounter();
  const parsed = parseAllDocuments(file.text, {
    lineCounter: lines,
    schema: 'core',
    // Held against each other by yaml, 60,000 keys of a map take minutes: findNodeDoubts does it.
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  const template = file.text.includes('{{') ? ' (a template of a chart has to be rendered first: helm template)' : '';
  const documents: YamlDocument[] = [];
  const remarks: Remark[] = [];
  const remark = (offset: number, reason: string) => remarks.push({ ...placeAt(file, lines, offset), level: 'error', reason });
  for (const document of parsed as Iterable<Document.Parsed>) {
    const [error] = document.errors;
    if (error !== undefined) {
      const stream = error.message.includes('flow-map-start at node end') ? ' (several JSON objects need --- between them)' : '';
      remark(error.pos[0], `it is not YAML: ${error.message.split('\n')[0]}${template || stream}`);
      continue;
    }
    documents.push(new YamlDocument(document, file, lines));
    for (const { offset, reason } of findNodeDoubts(document)) remark(offset, `${reason}${template}`);
  }
  for (const { offset, reason } of findTextDoubts(file.text)) remark(offset, reason);
  return { file, documents, remarks };
}
