import { createPrivateKey } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../../main/place.ts';
import { type HostKind, prepareStep, readErrors } from '../../main/step-run.ts';
import { type Credential, privateKey, type ServedExchange } from './credentials.ts';
import { type Observed, observe } from './observe.ts';
import { plant, prepareMachine } from './planted.ts';
import type { Recorder } from './recorder.ts';
import { findLeaks } from './report.ts';
import { azureName, CanaryServers, openRecordedPlace } from './servers.ts';

/** What a run is given. */
export interface Scene {
  readonly inputs: Readonly<Record<string, string>>;
  /** On top of what the runner gives; an undefined one is taken out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Names that the run hands to later steps. */
  readonly exported?: readonly string[];
  /** Arguments of the command line in place of inputs. */
  readonly args?: readonly string[];
}

export interface CanaryRun {
  readonly exitCode: number | undefined;
  readonly observed: Observed;
  readonly exchanges: readonly ServedExchange[];
  readonly leaks: readonly string[];
  /** Each error with its hint. */
  readonly errors: readonly string[];
}

export interface RunOptions {
  /** Default: the one that runs the tests. */
  readonly node?: string;
  /** In place of the host's bundle. */
  readonly program?: string;
  /** Told of each exchange with the process that made it. */
  readonly onExchange?: (exchange: ServedExchange, pid: number) => void;
}

/** What is planted, and where it lies. */
interface CanaryMachine {
  readonly planted: readonly Credential[];
  /** Of a registry that takes the vault's password and records everything. */
  readonly registry: Recorder;
  /** A server that no credential is for. */
  readonly elsewhere: Recorder;
  readonly azureRegistry: string;
  /** Environment of a machine with a proxy that wants a password, and Docker's configuration. */
  readonly machine: Readonly<Record<string, string>>;
  /** IDENTITY_HEADER of the app that the machine runs. */
  readonly appHeader: string;
  /** Folder with `key.pem`, `cert.pem` and `ca.pem` of Docker's client. */
  readonly certificates: string;
  run(host: HostKind, scene: Scene, options?: RunOptions): Promise<CanaryRun>;
}

/** A sandbox with recognisable values in every credential, and a machine that a runner has set up with more of them. One run at a time. */
export type CanaryWorld = CanaryServers & CanaryMachine;

/** `programs`: the folder with the bundles. */
export async function openCanaryWorld(programs: string): Promise<CanaryWorld> {
  const recorded = await openRecordedPlace();
  const { place, values } = recorded;
  const servers = new CanaryServers(recorded);
  const registry = await servers.startRegistry('password');
  const elsewhere = await servers.startRegistry('elsewhere', { auth: { kind: 'none' } });
  servers.serve('elsewhere', elsewhere.url.origin);
  const azureRegistry = await servers.startNamedRegistry(azureName);
  const runner = new CanaryRunner(programs, place);
  recorded.listen((exchange) => runner.keep(exchange));
  const machine = await prepareMachine(place.folder, values, await servers.startProxy((exchange) => runner.keep(exchange)));
  const certificates = join(place.folder, 'machine/docker');
  const planted = [...(await plant(place, values)), await writeDockerCertificates(place, certificates)];
  return Object.assign(servers, {
    planted,
    registry,
    elsewhere,
    azureRegistry,
    machine,
    appHeader: values.appHeader,
    certificates,
    run: (host: HostKind, scene: Scene, options: RunOptions = {}) => runner.run(host, scene, { machine, planted }, options),
  });
}

async function writeDockerCertificates({ sandbox: { authority } }: Place, folder: string): Promise<Credential> {
  const { keyPem, certificatePem } = await authority.issueTls();
  const pem = { 'key.pem': keyPem, 'cert.pem': certificatePem, 'ca.pem': authority.certificatePem };
  await Promise.all(Object.entries(pem).map(([name, content]) => writeFile(join(folder, name), content)));
  return privateKey("key of Docker's client", createPrivateKey(keyPem));
}

/** Runs the programs one after the other, and keeps what each has exchanged. */
class CanaryRunner {
  readonly #programs: string;
  readonly #place: Place;
  #exchanges: ServedExchange[] = [];
  #tell: (exchange: ServedExchange) => void = () => undefined;
  #runs = 0;

  constructor(programs: string, place: Place) {
    this.#programs = programs;
    this.#place = place;
  }

  keep(exchange: ServedExchange): void {
    this.#exchanges.push(exchange);
    this.#tell(exchange);
  }

  async run(
    host: HostKind,
    scene: Scene,
    { machine, planted }: Pick<CanaryMachine, 'machine' | 'planted'>,
    { node = process.execPath, program = join(this.#programs, `${host}.js`), onExchange }: RunOptions,
  ): Promise<CanaryRun> {
    const { folder, workspace } = this.#place;
    this.#runs += 1;
    this.#exchanges = [];
    const [step, scratch] = [join(folder, `run-${this.#runs}`), join(folder, `scratch-${this.#runs}`)];
    await Promise.all([step, scratch].map((path) => mkdir(path)));
    const prepared = await prepareStep(host, this.#place, step, workspace, scene.inputs);
    const env = { ...machine, ...prepared.env, TMPDIR: step, XDG_CACHE_HOME: join(step, 'cache'), ...scene.env };
    const observed = await observe({
      node,
      args: [program, ...(scene.args ?? prepared.args)],
      env: Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)),
      cwd: workspace,
      folders: [step, workspace, join(folder, 'machine')],
      scratch,
      onStart: (pid) => {
        this.#tell = (exchange) => onExchange?.(exchange, pid());
      },
    });
    this.#tell = () => undefined;
    const { exitCode, stdout, stderr } = observed;
    const exchanges = this.#exchanges;
    const leaks = findLeaks({ host, observed, exchanges, planted, exported: scene.exported ?? [] });
    return { exitCode, observed, exchanges, leaks, errors: readErrors(host, stdout.toString('utf8'), stderr.toString('utf8')) };
  }
}
