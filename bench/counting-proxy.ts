import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface CountingProxy {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Bytes that clients have sent so far, headers and all. */
  sentBytes(): number;
  close(): Promise<void>;
}

/** Passes TCP connections on to `target` (host and port), and counts. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const [hostname = '', port = ''] = target.split(':');
  let sent = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    client.on('data', (chunk) => {
      sent += chunk.length;
    });
    client.pipe(upstream).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sentBytes: () => sent,
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
