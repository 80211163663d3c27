import type { SecretValue } from '../lib/secret-value.ts';
import type { Severity } from '../model/finding.ts';
import type { Platform } from '../model/image.ts';

/** The inputs of one run, typed. Paths are as the user gave them, relative to the workspace. */
export interface Settings {
  readonly image: string;
  readonly push: readonly string[];
  /** In their normal form, each once; empty for all. */
  readonly platforms: readonly Platform[];
  readonly policy: string | undefined;
  readonly failOn: Exclude<Severity, 'unknown'> | 'none';
  readonly advisories: AdvisoriesSetting;
  readonly knownExploited: ListSetting | undefined;
  readonly epss: ListSetting | undefined;
  readonly keyVault: string | undefined;
  readonly secrets: readonly SecretRequest[];
  readonly azureTenantId: string | undefined;
  readonly azureClientId: string | undefined;
  readonly registryUsername: Credential | undefined;
  readonly registryPassword: Credential | undefined;
  readonly signingKey: string | undefined;
  /** Formats of the bill of materials, each once; empty for none. */
  readonly sbom: readonly SbomFormat[];
  readonly dockerfile: string | undefined;
  readonly annotations: boolean;
  readonly comment: boolean;
  readonly summary: boolean;
  readonly report: string | undefined;
  readonly compression: 'gzip' | 'zstd' | 'keep';
  readonly insecureRegistries: readonly string[];
}

export type SbomFormat = 'cyclonedx' | 'spdx';

export type AdvisoriesSetting = { readonly kind: 'service'; readonly url: string } | { readonly kind: 'path'; readonly path: string };

/** A list that someone publishes: the file, or its https URL. */
export type ListSetting = { readonly kind: 'service'; readonly url: string } | { readonly kind: 'path'; readonly path: string };

/** One line of the input `secrets`. */
export interface SecretRequest {
  readonly name: string;
  readonly secretName: string;
}

/** A value given in clear, or the name of one of the run's Key Vault secrets. */
export type Credential = { readonly kind: 'literal'; readonly value: SecretValue } | { readonly kind: 'secret'; readonly name: string };
