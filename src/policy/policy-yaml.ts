import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import type { PolicyIssue } from './policy-error.ts';

/** A YAML file of maps, lists and texts. */
export interface PolicyYaml {
  /** Every scalar is a text as it was written: `no`, `1e5` and `2026-11-23` are themselves. */
  readonly value: unknown;
  /** Where the value at a path of keys and indices stands, or its key. */
  place(path: readonly (string | number)[], of: 'key' | 'value'): Place;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

export type PolicyYamlResult =
  | { readonly kind: 'read'; readonly yaml: PolicyYaml }
  | { readonly kind: 'refused'; readonly issues: readonly PolicyIssue[] };

export const policyLimitBytes = 256 * 1024;

/**
 * Reads YAML 1.2 without what makes YAML surprising: no types but text (failsafe schema), no anchors and aliases, no merge keys, no tags, no
 * directives, no duplicate keys, one document.
 */
export function parsePolicyYaml(text: string): PolicyYamlResult {
  if (Buffer.byteLength(text) > policyLimitBytes) {
    return refused([{ line: 1, column: 1, reason: `the file is larger than ${policyLimitBytes} bytes` }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: 'failsafe',
    strict: true,
    uniqueKeys: true,
    merge: false,
    prettyErrors: false,
    // Quieter than that, a second document would go unnoticed.
    logLevel: 'error',
  });
  const at = (offset: number): Place => toPlace(lines, offset);
  const issues = document.errors.length > 0 ? toFaults(document.errors, at) : forbidden(document, at);
  return issues.length > 0 ? refused(issues) : { kind: 'read', yaml: toPolicyYaml(document, at) };
}

/** Where the reader gave up because of the nesting, whatever else it says is a consequence. */
function toFaults(errors: readonly YAMLError[], at: (offset: number) => Place): PolicyIssue[] {
  const exhausted = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (exhausted !== undefined) return [{ ...at(exhausted.pos[0]), reason: 'nested too deeply' }];
  return errors.map(({ message, pos }) => ({ ...at(pos[0]), reason: `not YAML: ${message}` }));
}

function toPolicyYaml(document: Document.Parsed, at: (offset: number) => Place): PolicyYaml {
  return {
    value: document.toJS({ maxAliasCount: 0 }),
    place(path, of) {
      const parent = path.length === 0 ? undefined : document.getIn(path.slice(0, -1), true);
      const pair = isMap(parent) ? parent.items.find((item: Pair) => keyText(item) === path.at(-1)) : undefined;
      const value = document.getIn(path, true);
      const node = of === 'key' && pair !== undefined ? pair.key : isNode(value) ? value : (pair?.key ?? parent);
      return at((isNode(node) && node.range?.[0]) || 0);
    },
  };
}

function keyText(pair: Pair): unknown {
  return isScalar(pair.key) ? pair.key.value : undefined;
}

function forbidden(document: Document.Parsed, at: (offset: number) => Place): PolicyIssue[] {
  const issues: PolicyIssue[] = [];
  const refuse = (node: Node, reason: string): void => void issues.push({ ...at(node.range?.[0] ?? 0), reason });
  if (document.directives.yaml.explicit === true) issues.push({ line: 1, column: 1, reason: 'directives (%YAML) are not accepted' });
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) refuse(node, 'aliases (*name) are not accepted (put quotes around a pattern that begins with *)');
      else if (node.anchor !== undefined) refuse(node, 'anchors (&name) are not accepted');
      else if (node.tag !== undefined) refuse(node, 'tags (!name) are not accepted (put quotes around a text that begins with !)');
    },
    Pair(_key, pair) {
      if (!isScalar(pair.key) && isCollection(pair.key)) refuse(pair.key, 'a key must be a text');
    },
  });
  return issues;
}

function refused(issues: readonly PolicyIssue[]): PolicyYamlResult {
  return { kind: 'refused', issues };
}

function toPlace(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
