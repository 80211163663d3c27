import type { CertificateSource, ServiceConnection } from '../lib/credential-choice.ts';
import type { HttpClient } from '../lib/http.ts';
import type { ProxyChoice } from '../lib/proxy.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import type { BuildRun } from '../model/build-run.ts';
import type { HostCheck } from '../model/check.ts';
import type { RunProgram } from '../model/program.ts';
import type { DockerSettings } from '../source/docker-endpoint.ts';
import type { StandardInput } from '../source/standard-input.ts';

/** What a command takes from its process: below main nothing reads the environment, the clock or the network by itself. */
export interface World {
  readonly http: HttpClient;
  readonly now: () => Date;
  /** Monotonic milliseconds. */
  readonly elapsedMs: () => number;
  /** Resolves after that many milliseconds, or rejects when the run is cancelled. */
  readonly sleep: (ms: number) => Promise<void>;
  /** 0 up to 1. */
  readonly random: () => number;
  /** What `http` asks of which proxy. */
  readonly proxies: ProxyChoice;
  /** Of Node, without the `v`. */
  readonly nodeVersion: string;
  readonly environment: Environment;
  /** Starts a program of this machine, with a bare environment. */
  readonly runProgram: RunProgram;
  /** Of this program. */
  readonly version: string;
  /** Aborted when the host cancels the run: held uploads are given up, and nothing is published any more. */
  readonly cancelled: AbortSignal;
}

/** The environment variables and files that count, read once by main. */
export interface Environment {
  readonly docker: DockerSettings;
  /** Docker's config.json and the like, those that there are, in the order in which they count. */
  readonly loginFiles: readonly { readonly path: string; readonly bytes: Uint8Array }[];
  /** `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`, `AZURE_AUTHORITY_HOST`. */
  readonly azureTenantId: string | undefined;
  readonly azureClientId: string | undefined;
  readonly azureClientSecret: SecretValue | undefined;
  readonly azureAuthorityHost: string | undefined;
  /** `AZURE_CLIENT_CERTIFICATE_PATH` and what belongs to it. */
  readonly azureClientCertificate: CertificateSource | undefined;
  /** `AZURE_FEDERATED_TOKEN_FILE`: what the workload identity of Kubernetes keeps up to date; read anew whenever it is asked. */
  readonly federatedTokenFile: { readonly path: string; readonly read: () => Promise<SecretValue> } | undefined;
  /** Address of the instance metadata service; undefined where the platform's variables name another endpoint for managed identities. */
  readonly instanceMetadata: string | undefined;
  /** What a platform's endpoint for managed identities wants to be shown: to be masked. */
  readonly endpointSecrets: readonly SecretValue[];
  /** Gives an Azure Resource Manager service connection by its id, where the host has such. Throws a StepError where the run was not given it. */
  readonly openServiceConnection: ((id: string) => ServiceConnection) | undefined;
  /** Folder for what is worth keeping between runs on this machine. */
  readonly cacheFolder: string;
  /** What is piped into the process, where the host gives a run something. */
  readonly standardInput: StandardInput | undefined;
  /** The host's own API, which a run can do without. */
  readonly hostUrl: string | undefined;
  /** What the host lets this job do; looked at by `doctor` alone. */
  readonly hostChecks: readonly HostCheck[];
  /** Gives the host its token where that is one of the run's Key Vault secrets. */
  readonly giveHostToken: (token: SecretValue) => void;
  /** Asks the host for a token that says who this run is, where the host has such tokens (GitHub OIDC). */
  readonly fetchIdentityToken: ((audience: string) => Promise<SecretValue>) | undefined;
  /** What the host says of the run; undefined where there is none, as in a shell. Never rejects. */
  readonly findBuildRun: () => Promise<BuildRun | undefined>;
}
