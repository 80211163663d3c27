import type { Element, Nodes, Root } from 'hast';
import rehypeRaw from 'rehype-raw';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import remarkRehype from 'remark-rehype';
import { unified } from 'unified';

/** GitHub-flavoured Markdown as the DOM that a reader gets, raw HTML included. */
export function renderMarkdown(markdown: string): Root {
  const processor = unified().use(remarkParse).use(remarkGfm).use(remarkRehype, { allowDangerousHtml: true }).use(rehypeRaw);
  return processor.runSync(processor.parse(markdown)) as Root;
}

const allowedElements = new Set('h2 h3 p strong code pre table thead tbody tr th td a br details summary ul li sub blockquote'.split(' '));

const advisoryAddress = /^https:\/\/osv\.dev\/vulnerability\/\w[\w%.-]*$/;

/**
 * What in the DOM is not of our making: other elements, other attributes, addresses elsewhere, comments, and texts outside code in which
 * GitHub or Azure Repos find something to link (html-pipeline's filters and cmark-gfm's autolinks).
 */
export function findIntruders(root: Root): string[] {
  const intruders: string[] = [];
  walk(root, false);
  return intruders;

  function walk(node: Nodes, inCode: boolean): void {
    if (node.type === 'comment' || node.type === 'doctype') intruders.push(`<!${node.type}>`);
    if (node.type === 'text' && !inCode) intruders.push(...findActingText(node.value));
    if (node.type === 'element') intruders.push(...checkElement(node));
    const code = inCode || (node.type === 'element' && (node.tagName === 'code' || node.tagName === 'pre'));
    if ('children' in node) for (const child of node.children) walk(child as Nodes, code);
  }
}

function checkElement(element: Element): string[] {
  const { tagName, properties } = element;
  if (!allowedElements.has(tagName)) return [`<${tagName}>`];
  return Object.entries(properties).flatMap(([name, value]) => {
    if (tagName === 'a' && name === 'href' && advisoryAddress.test(String(value))) return [];
    if ((tagName === 'th' || tagName === 'td') && name === 'align') return [];
    if (tagName === 'code' && name === 'className' && String(value) === 'language-yaml') return [];
    return [`<${tagName} ${name}=${String(value)}>`];
  });
}

const acting: readonly RegExp[] = [
  /(?:^|[^\w`])@[A-Za-z0-9][\w-]*/,
  /[\w.+-]+@[\w-]+\.[\w.-]+/,
  /(?:^|[^\w&])#\d+/,
  /\bgh-\d+/i,
  /!\d+/,
  /\b(?:https?|ftp):\/\//i,
  /\bwww\.\w/i,
  /\b(?:mailto|xmpp):\w/i,
  /:[\w+-]+:/,
  /(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])/,
];

function findActingText(text: string): string[] {
  return acting.flatMap((pattern) => pattern.exec(text)?.[0] ?? []);
}

/** All text of the DOM, as a reader sees it. */
export function toPlainText(node: Nodes): string {
  if (node.type === 'text') return node.value;
  return 'children' in node ? node.children.map((child) => toPlainText(child as Nodes)).join('') : '';
}

export function countElements(node: Nodes, tagName: string): number {
  const own = node.type === 'element' && node.tagName === tagName ? 1 : 0;
  return 'children' in node ? node.children.reduce((sum, child) => sum + countElements(child as Nodes, tagName), own) : own;
}
