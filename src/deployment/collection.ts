import type { Node } from 'yaml';
import type { Findings, PinPlace, Remark, UsedImage } from './used-image.ts';
import { toPinPlace, type YamlDocument } from './yaml-document.ts';

/** Gathers what a document has; a text that several name (by an alias) counts once, for the first of them. */
export class Collection {
  readonly #document: YamlDocument;
  readonly #images = new Map<Node, UsedImage>();
  readonly #remarks: Remark[] = [];

  constructor(document: YamlDocument) {
    this.#document = document;
  }

  get findings(): Findings {
    const images = [...this.#images.values()].sort((a, b) => a.line - b.line || a.column - b.column);
    return { images, remarks: this.#remarks };
  }

  has(node: Node): boolean {
    return this.#images.has(node);
  }

  /** The image that a scalar names. A value of another type is a remark: who runs it may read it in another way. */
  addNode(node: Node | undefined, user: string): void {
    if (node === undefined || this.#document.isNull(node)) return;
    const reference = this.#document.text(node);
    if (reference === undefined) this.remark('error', node, `the image of ${user} is not a text: put it into quotes`);
    else if (/\{\{|\$\{/.test(reference))
      this.remark('error', node, `the image of ${user} is a template: give what it is rendered to (helm template)`);
    else this.add(node, { reference, user, pin: toPinPlace(this.#document, node) });
  }

  add(node: Node, image: { readonly reference: string; readonly user: string; readonly pin: PinPlace }): void {
    if (!this.#images.has(node)) this.#images.set(node, { ...image, ...this.#document.place(node) });
  }

  remark(level: Remark['level'], node: Node | undefined, reason: string): void {
    this.#remarks.push({ ...this.#document.place(node), level, reason });
  }
}
