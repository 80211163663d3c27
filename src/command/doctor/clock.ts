import type { IncomingHttpHeaders } from 'node:http';
import type { Check, CheckOutcome } from '../../model/check.ts';

/** How far the clock of a server is ahead of this machine's: somewhere between the two. */
export interface ClockReading {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** Entra ID takes no assertion that is off by more, and verifiers no signature of the future. */
const wrongMs = 300_000;
const oddMs = 30_000;

/**
 * Reads the Date of an answer (RFC 9110, section 6.6.1), which is cut to whole seconds and was made between the two times of this machine. Undefined
 * where there is none, or where a cache gives that of an older answer.
 */
export function readClock(headers: IncomingHttpHeaders, before: Date, after: Date): ClockReading | undefined {
  const serverMs = Date.parse(headers.date ?? '');
  if (Number.isNaN(serverMs) || (headers.age !== undefined && headers.age !== '0')) return undefined;
  return { leastMs: serverMs - after.getTime(), mostMs: serverMs + 1_000 - before.getTime() };
}

/** The machine's clock against those of all hosts that were reached. One that agrees is enough: it is then the others that are wrong. */
export function clockCheck(readings: readonly (() => Promise<ClockReading | undefined>)[]): Check {
  return {
    name: 'clock',
    needs: [],
    run: async () => {
      const read = await Promise.all(readings.map((reading) => reading().catch(() => undefined)));
      const known = read.filter((reading) => reading !== undefined);
      return known.length === 0
        ? {
            state: 'warning',
            text: 'no host that answered tells the time',
            hint: 'See whether the clock of this machine is right: date -u.',
          }
        : judge(known);
    },
  };
}

function judge(readings: readonly ClockReading[]): CheckOutcome {
  const [nearest] = readings.toSorted((a, b) => distanceOf(a) - distanceOf(b));
  const { leastMs, mostMs } = nearest ?? { leastMs: 0, mostMs: 0 };
  const offMs = distanceOf({ leastMs, mostMs });
  const boundSeconds = Math.ceil((mostMs - leastMs) / 2_000);
  const seconds = Math.round((leastMs + mostMs) / 2_000);
  if (offMs <= oddMs) {
    const agreement = offMs === 0 ? 'agrees with theirs' : `is ${wordOf(seconds)} of theirs`;
    return {
      state: 'right',
      text: `the clock of this machine ${agreement}, as far as can be told (± ${boundSeconds} s, ${readings.length} read)`,
    };
  }
  const text = `the clock of this machine is ${wordOf(seconds)} of every host that answered (± ${boundSeconds} s)`;
  return { state: offMs > wrongMs ? 'wrong' : 'warning', text, hint };
}

const hint =
  'Set the clock: timedatectl set-ntp true (Linux with systemd), w32tm /resync (Windows), sntp -sS time.apple.com (macOS); in a virtual machine that was paused, restart its time service. Tokens and signatures of a wrong time are refused.';

function distanceOf({ leastMs, mostMs }: ClockReading): number {
  return leastMs > 0 ? leastMs : mostMs < 0 ? -mostMs : 0;
}

function wordOf(seconds: number): string {
  return seconds > 0 ? `${seconds} s behind that` : `${-seconds} s ahead`;
}
