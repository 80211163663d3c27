/** Runs `job` for each item, up to `atOnce` of them at once; the first failure ends the rest and is thrown once none runs any more. */
export async function forEachParallel<T>(items: readonly T[], atOnce: number, job: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const failures: unknown[] = [];
  async function work(): Promise<void> {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await job(item);
      } catch (error) {
        failures.push(error);
        queue.length = 0;
      }
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(atOnce, items.length)) }, work));
  if (failures.length > 0) throw failures[0];
}

/** As `forEachParallel`; resolves to the results in the order of the items. */
export async function mapParallel<T, R>(items: readonly T[], parallel: number, job: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  await forEachParallel([...items.entries()], parallel, async ([at, item]) => {
    results[at] = await job(item);
  });
  return results;
}
