import type { Inspector, LayerEntry } from '../../src/layer/inspector.ts';
import { magicBytes, windowOverlapBytes } from '../../src/layer/inspector.ts';
import type { Observation, PlacedObservation } from '../../src/model/observation.ts';

/** Feeds one layer of files to inspectors as the layer pass does; `partBytes` cuts streamed content into windows. */
export function inspectFiles(
  inspectors: readonly Inspector[],
  files: Readonly<Record<string, string | Buffer>>,
  partBytes = 65_536,
): readonly Observation[] {
  return inspectors.flatMap((inspector) => {
    const inspection = inspector.inspect();
    for (const [path, text] of Object.entries(files)) {
      const content = typeof text === 'string' ? Buffer.from(text) : text;
      const entry = fileEntry(path, content.length);
      const asked = inspection.entry(entry);
      const interest = asked === 'magic' ? inspection.magic(entry, content.subarray(0, magicBytes)) : asked;
      if (interest === 'whole') inspection.file(entry, content);
      if (interest !== 'stream') continue;
      const step = Math.max(partBytes, windowOverlapBytes + 1);
      for (let end = Math.min(step, content.length), start = 0; ; ) {
        inspection.window(entry, content.subarray(start, end), start, end === content.length);
        if (end === content.length) break;
        start = end - windowOverlapBytes;
        end = Math.min(end + step, content.length);
      }
    }
    return inspection.end();
  });
}

export function fileEntry(path: string, sizeBytes: number): LayerEntry {
  return { path, type: 'file', sizeBytes, mode: 0o644, linkName: '' };
}

/** The observations of each layer, bottom first, all surviving but those whose path a later layer has too. */
export function placeLayers(...layers: readonly (readonly Observation[])[]): readonly PlacedObservation[] {
  return layers.flatMap((observations, layer) =>
    observations.map((observation) => ({
      layer,
      survives: !layers.slice(layer + 1).some((later) => later.some(({ path }) => path === observation.path)),
      observation,
    })),
  );
}
