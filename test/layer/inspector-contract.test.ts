import type { Inspector } from '../../src/layer/inspector.ts';
import type { Observation } from '../../src/model/observation.ts';
import { describeInspector } from '../contract/inspector.ts';
import { needleInspector } from './needle-inspector.ts';

describeInspector('needle', needleInspector, {
  sample: { path: 'a/b.txt', content: 'hay NEEDLE-1 hay NEEDLE-22 hay' },
  harmless: { path: 'a/c.txt', content: 'hay' },
});

/** Counts lines of whole files named `lines`. */
function linesInspector(): Inspector {
  return {
    name: 'lines',
    inspect() {
      const observations: Observation[] = [];
      return {
        entry: (entry) => (entry.type === 'file' && entry.path.endsWith('lines') ? 'whole' : 'none'),
        magic: () => 'none',
        file({ path }, content) {
          const lines = content.toString('latin1').split('\n').length;
          if (content.includes('damage')) observations.push({ kind: 'gap', path, code: 'damaged', reason: 'damaged' });
          else if (lines > 1)
            observations.push({ kind: 'packages', path, packages: [{ type: 'deb', name: 'lines', version: `${lines}` }] });
        },
        window() {},
        tooLarge: ({ path }) => observations.push({ kind: 'gap', path, code: 'too-large', reason: 'too large' }),
        end: () => observations,
      };
    },
  };
}

describeInspector('lines', linesInspector, {
  sample: { path: 'lines', content: 'a\nb\n' },
  harmless: { path: 'lines', content: 'a' },
  damaged: { path: 'lines', content: 'damage' },
});
