import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { readWhole } from '../../../src/lib/http-client.ts';

/** What a server of the sandbox says; its certificate is the sandbox's. */
export async function fetchJson(url: string, headers: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> {
  const request = get(url, { headers: { ...headers, 'user-agent': 'canary' }, rejectUnauthorized: false });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return JSON.parse((await readWhole(answer)).toString('utf8')) as Record<string, unknown>;
}
