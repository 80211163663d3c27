import { readFile } from 'node:fs/promises';
import { doctor } from '../../src/command/doctor.ts';
import type { ExitCode } from '../../src/command/exit-code.ts';
import { secure } from '../../src/command/secure.ts';
import type { Environment, World } from '../../src/command/world.ts';
import type { Host } from '../../src/host/host.ts';
import { parseDoctorSettings, parseSettings } from '../../src/inputs/parse.ts';
import { createHttp } from '../../src/lib/http-client.ts';
import type { ChooseProxy, ProxyServer } from '../../src/lib/proxy.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import type { CheckResult } from '../../src/model/check.ts';
import type { Place } from '../main/place.ts';
import { openWorld, silentHost } from './silent-world.ts';

export interface Consultation {
  readonly exitCode: ExitCode;
  readonly results: readonly CheckResult[];
  readonly log: readonly string[];
  readonly summaries: readonly string[];
  readonly masked: readonly string[];
  /** The one result of this name. */
  of(name: string): CheckResult;
}

export interface ConsultationOptions {
  readonly environment?: Partial<Environment>;
  readonly world?: Partial<World>;
  readonly proxy?: ProxyServer;
}

/** Runs `doctor` in this process, signed in with the client secret of the place. */
export async function consult(
  place: Place,
  inputs: Readonly<Record<string, string>>,
  options: ConsultationOptions = {},
): Promise<Consultation> {
  const { host, world, close, log, summaries, masked, outputs } = await openRun(place, options);
  try {
    const settings = parseDoctorSettings(new Map(Object.entries(inputs)), (name) => name);
    const exitCode = await doctor(settings, host, world);
    const report = JSON.parse(await readFile(outputs.get('report') ?? '', 'utf8')) as { readonly checks: readonly CheckResult[] };
    const of = (name: string): CheckResult => {
      const found = report.checks.filter((check) => check.name === name);
      if (found.length !== 1)
        throw new Error(`${found.length} results for ${name} of ${report.checks.map((check) => check.name).join(', ')}`);
      return found[0] as CheckResult;
    };
    return { exitCode, results: report.checks, log, summaries, masked, of };
  } finally {
    close();
  }
}

/** What `secure` ends with in the same place: its exit code, or the error. */
export async function secureInstead(
  place: Place,
  inputs: Readonly<Record<string, string>>,
  options: ConsultationOptions = {},
): Promise<unknown> {
  const { host, world, close } = await openRun(place, options);
  try {
    const settings = parseSettings(new Map(Object.entries(inputs)), (name) => name);
    return await secure(settings, host, world);
  } catch (error) {
    return error;
  } finally {
    close();
  }
}

async function openRun(place: Place, { environment = {}, world: more = {}, proxy }: ConsultationOptions) {
  const { sandbox } = place;
  const { tenantId, clientId, clientSecret } = sandbox.identity;
  const choose: ChooseProxy = (url) => (url.protocol === 'https:' ? proxy : undefined);
  const http = createHttp({ userAgent: 'image-custody/test', ca: [sandbox.authority.certificatePem], chooseProxy: choose });
  const folder = await place.newFolder('doctor');
  const [log, summaries, masked]: [string[], string[], string[]] = [[], [], []];
  const outputs = new Map<string, string>();
  const host: Host = {
    ...silentHost(place.workspace, folder),
    mask: (secret) => masked.push(secret.reveal()),
    log: (_level, line) => log.push(line),
    summarise: async (text) => void summaries.push(text),
    output: (name, value) => outputs.set(name, `${value}`),
  };
  const base = openWorld(http);
  const world: World = {
    ...base,
    proxies: { servers: proxy === undefined ? [] : [proxy], choose },
    ...more,
    environment: {
      ...base.environment,
      azureTenantId: tenantId,
      azureClientId: clientId,
      azureClientSecret: new SecretValue(clientSecret),
      azureAuthorityHost: sandbox.entra.url,
      ...environment,
    },
  };
  return { host, world, log, summaries, masked, outputs, close: () => http.close() };
}
