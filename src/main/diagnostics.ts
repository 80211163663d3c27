/**
 * Closes what Node itself shows of a process when its environment asks for it, for credentials are in it. True where something was asked for that
 * is left out.
 *
 * - `NODE_DEBUG=http` (or `*`) prints the options of each request with its headers, and the keys of TLS agents. Node decides on that before any of our code
 *   runs, and takes no word for it later; but it prints through `process.stderr`, a message a call: `SECTION PID: …`
 *   (https://github.com/nodejs/node/blob/v24.0.0/lib/internal/util/debuglog.js). Our own lines are never of that form.
 * - `--report-on-fatalerror`, `--report-on-signal` and `--report-uncaught-exception` write the whole environment and command line into a file
 *   (https://nodejs.org/docs/latest-v24.x/api/report.html).
 */
export function closeDiagnostics(env: Readonly<Record<string, string | undefined>>): boolean {
  const { report, stderr, pid } = process;
  const isReporting = report.reportOnFatalError || report.reportOnSignal || report.reportOnUncaughtException;
  if (report.reportOnSignal) process.on(report.signal, () => undefined);
  Object.assign(report, { reportOnFatalError: false, reportOnSignal: false, reportOnUncaughtException: false });
  if (!env.NODE_DEBUG) return isReporting;
  const debugLine = new RegExp(`^[^a-z\\s]+ (?:\\u001b\\[\\d+m)?${pid}(?:\\u001b\\[\\d+m)?: `);
  const write = stderr.write.bind(stderr) as (...given: unknown[]) => boolean;
  stderr.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    if (!debugLine.test(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'))) return write(chunk, ...rest);
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done as () => void);
    return true;
  };
  return true;
}
