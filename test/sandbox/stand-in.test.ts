import { afterEach, describe, expect, it } from 'vitest';
import { createCertificateAuthority } from '../../src/sandbox/certificate.ts';
import { type Exchange, Refusal, toJsonAnswer, toTextAnswer } from '../../src/sandbox/exchange.ts';
import { maxRequestBytes, type StandIn, startStandIn } from '../../src/sandbox/stand-in.ts';
import { send } from './client.ts';

let standIn: StandIn | undefined;

afterEach(async () => {
  await standIn?.close();
  standIn = undefined;
});

describe('a stand-in', () => {
  it('listens on 127.0.0.1 alone, and keeps every request with its body', async () => {
    standIn = await startStandIn(() => toTextAnswer(200, 'ok'));
    expect(new URL(standIn.url).hostname).toBe('127.0.0.1');
    await send(`${standIn.url}/a?b=c`, { method: 'POST', body: { canary: 'x' }, headers: { 'x-canary': 'y' } });
    const [request] = standIn.requests;
    expect(request).toMatchObject({ method: 'POST', headers: { 'x-canary': 'y' } });
    expect(request?.url.href).toBe(`${standIn.url}/a?b=c`);
    expect(request?.body.toString()).toBe('{"canary":"x"}');
  });

  it('shows both sides of an exchange', async () => {
    const exchanges: Exchange[] = [];
    standIn = await startStandIn(() => toJsonAnswer(201, { made: true }), { onExchange: (exchange) => exchanges.push(exchange) });
    await send(standIn.url);
    expect(exchanges).toHaveLength(1);
    expect(exchanges[0]?.answer).toMatchObject({ status: 201, body: Buffer.from('{"made":true}') });
  });

  it('answers with a thrown refusal, and tells of any other error when it closes', async () => {
    const failing = await startStandIn(({ url }) => {
      throw url.pathname === '/refused' ? new Refusal(toTextAnswer(418, 'no')) : new Error('bug');
    });
    expect((await send(`${failing.url}/refused`)).status).toBe(418);
    expect((await send(failing.url)).status).toBe(500);
    await expect(failing.close()).rejects.toThrow('a stand-in failed');
  });

  it('refuses a request that is too large', async () => {
    standIn = await startStandIn(() => toTextAnswer(200, ''));
    const outcome = await send(standIn.url, { method: 'POST', body: 'x'.repeat(maxRequestBytes + 1) }).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect([413, 'EPIPE', 'ECONNRESET']).toContain(outcome);
    expect(standIn.requests).toEqual([]);
  });

  it('ends connections that are open when it closes', async () => {
    const open = await startStandIn(() => toTextAnswer(200, ''), { faults: [{ drop: true }] });
    const waiting = send(open.url).catch((error: NodeJS.ErrnoException) => error.code);
    while (open.requests.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await open.close();
    expect(await waiting).toBe('ECONNRESET');
  });
});

describe('a fault', () => {
  it.each([false, true])('resets the connection (TLS: %s), before or after the effect', async (withTls) => {
    const authority = await createCertificateAuthority();
    let effects = 0;
    standIn = await startStandIn(
      () => {
        effects += 1;
        return toTextAnswer(200, 'ok');
      },
      { tls: withTls ? await authority.issueTls() : undefined, faults: [{ reset: true }, { reset: true, when: 'after' }] },
    );
    const ca = authority.certificatePem;
    await expect(send(standIn.url, { ca })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(effects).toBe(0);
    await expect(send(standIn.url, { ca })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(effects).toBe(1);
    expect((await send(standIn.url, { ca })).status).toBe(200);
  });

  it('answers in place of the service, as often as it is told', async () => {
    standIn = await startStandIn(() => toTextAnswer(200, 'ok'));
    standIn.faults.add({ status: 503, headers: { 'retry-after': '1' }, body: { error: 'busy' }, times: 2 });
    const replies = [await send(standIn.url), await send(standIn.url), await send(standIn.url)];
    expect(replies.map(({ status }) => status)).toEqual([503, 503, 200]);
    expect(replies[0]).toMatchObject({ json: { error: 'busy' }, headers: { 'retry-after': '1' } });
  });

  it('fits the requests that it is made for', async () => {
    standIn = await startStandIn(() => toTextAnswer(200, 'ok'), {
      faults: [{ match: ({ url }) => url.pathname === '/b', status: 500, times: Number.POSITIVE_INFINITY }],
    });
    expect((await send(`${standIn.url}/a`)).status).toBe(200);
    expect((await send(`${standIn.url}/b`)).status).toBe(500);
    standIn.faults.clear();
    expect((await send(`${standIn.url}/b`)).status).toBe(200);
  });

  it('delays an answer, or never gives it', async () => {
    standIn = await startStandIn(() => toTextAnswer(200, 'ok'), { faults: [{ delayMs: 150 }, { drop: true }] });
    const began = performance.now();
    expect((await send(standIn.url)).text).toBe('ok');
    expect(performance.now() - began).toBeGreaterThan(140);
    await expect(send(standIn.url, { timeoutMs: 100 })).rejects.toThrow('timed out');
  });
});
