import type { JsonWebKey } from 'node:crypto';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { isJsonObject } from '../exchange.ts';
import { toKeys } from '../json-web-token.ts';

const maxDocumentBytes = 1024 * 1024;
const timeoutMs = 10_000;

/** The signing keys of an outside issuer, found as Entra ID finds them (OpenID Connect Discovery 1.0, section 4); `ca` is trusted besides. */
export async function fetchIssuerKeys(issuer: string, ca: string | undefined): Promise<readonly JsonWebKey[]> {
  const configuration = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, ca);
  if (!isJsonObject(configuration) || configuration.issuer !== issuer || typeof configuration.jwks_uri !== 'string') {
    throw new Error(`${issuer} is not the issuer that its configuration names`);
  }
  return toKeys(await fetchJson(configuration.jwks_uri, ca));
}

function fetchJson(url: string, ca: string | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, agent: false as const };
    const request = url.startsWith('https:') ? getHttps(url, ca === undefined ? options : { ...options, ca }) : getHttp(url, options);
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer`)));
    request.on('error', reject);
    request.on('response', async (response) => {
      try {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        for await (const chunk of response as AsyncIterable<Buffer>) {
          sizeBytes += chunk.length;
          chunks.push(chunk);
          if (sizeBytes > maxDocumentBytes) {
            throw new Error(`${url} answered with too much`);
          }
        }
        resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}
