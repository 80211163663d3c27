import { parentPort, workerData } from 'node:worker_threads';
import type { LayerFormat } from '../layer/inflate.ts';
import { serveJobs } from '../lib/job-server.ts';
import { ImageReading } from './image-reading.ts';

/** What the thread that reads images is started with. */
export interface ImageWorkerData {
  readonly compression: LayerFormat | undefined;
}

const reading = new ImageReading((workerData as ImageWorkerData).compression);
if (parentPort !== null) {
  serveJobs(
    parentPort,
    (job: Parameters<ImageReading['run']>[0], asker: Parameters<ImageReading['run']>[1]) => reading.run(job, asker),
    () => reading[Symbol.dispose](),
  );
}
