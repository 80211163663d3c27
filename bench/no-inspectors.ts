import type { allInspectors as productInspectors } from '../src/inspect/inspectors.ts';

export * from '../src/inspect/inspectors.ts';

/** None: stands in the place of the product's in the program that only pushes. */
export const allInspectors: typeof productInspectors = () => [];
