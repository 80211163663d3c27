import { toVisibleLine } from '../lib/visible-text.ts';
import type { Progress } from './host.ts';

/** `reading layers: 11 of 11, 573 MB in 12.3 s (46.6 MB/s)`. */
export function toProgressText(progress: Progress): string {
  const { step, done, total, bytes, elapsedMs } = progress;
  const count = total === undefined ? `${done}` : `${done} of ${total}`;
  const seconds = elapsedMs / 1000;
  const rate = bytes > 0 && seconds >= 0.1 ? ` (${toSizeText(bytes / seconds)}/s)` : '';
  const size = bytes > 0 ? `, ${toSizeText(bytes)}` : '';
  return `${toVisibleLine(step)}: ${count}${size} in ${seconds.toFixed(1)} s${rate}`;
}

/** Decimal units, three figures at most: `46.6 MB`. */
export function toSizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const figures = unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1);
  return `${figures} ${units[unit]}`;
}
