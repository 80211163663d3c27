import { type Inspector, windowOverlapBytes } from '../../src/layer/inspector.ts';
import type { Observation } from '../../src/model/observation.ts';

/** A stream inspector as those in the product are: finds `NEEDLE-` and digits in any file, each once, as a secret whose preview is its offset. */
export function needleInspector(): Inspector {
  return {
    name: 'needle',
    inspect() {
      const observations: Observation[] = [];
      return {
        entry: (entry) => (entry.type === 'file' ? 'stream' : 'none'),
        magic: () => 'none',
        file() {},
        window({ path }, window, offset, last) {
          const seenBytes = offset === 0 ? 0 : windowOverlapBytes;
          const text = window.toString('latin1');
          for (const match of text.matchAll(/NEEDLE-\d+(?=(.?))/gs)) {
            const end = match.index + match[0].length;
            const cut = match[1] === '' && !last;
            const seen = end < seenBytes;
            if (cut || seen) continue;
            observations.push({
              kind: 'secret',
              path,
              rule: 'needle',
              title: match[0],
              severity: 'high',
              line: undefined,
              fingerprint: match[0],
              preview: String(offset + match.index),
            });
          }
        },
        tooLarge() {},
        end: () => observations,
      };
    },
  };
}
