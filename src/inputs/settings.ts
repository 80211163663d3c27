import type { IdentityKind } from '../lib/credential-choice.ts';
import type { SecretValue } from '../lib/secret-value.ts';
import type { EvidenceKind } from '../model/evidence-kind.ts';
import type { Severity } from '../model/finding.ts';
import type { Platform } from '../model/image.ts';

/** The inputs that say where something is pushed, by whom, and who signs it. */
export interface AccessSettings {
  readonly push: readonly string[];
  readonly keyVault: string | undefined;
  readonly secrets: readonly SecretRequest[];
  /** Id of a service connection of Azure Pipelines. */
  readonly azureServiceConnection: string | undefined;
  readonly azureIdentity: IdentityKind;
  readonly azureTenantId: string | undefined;
  readonly azureClientId: string | undefined;
  readonly registryUsername: Credential | undefined;
  readonly registryPassword: Credential | undefined;
  /** Undefined: nothing is signed. */
  readonly signing: SigningSettings | undefined;
  /** Where what is attached is to be found: by the referrers API or else at a tag, by the API alone, or at both. */
  readonly referrers: 'auto' | 'api' | 'both';
  /** For the comment and the check run. */
  readonly githubToken: Credential | undefined;
  readonly insecureRegistries: readonly string[];
  /** Log in to Azure Container Registry as its admin user, too. */
  readonly allowRegistryAdmin: boolean;
  /** Hosts of token services by the registry that they belong to, besides the known ones. */
  readonly registryTokenHosts: ReadonlyMap<string, readonly string[]>;
  /** Registries that may be given the user name and the password; undefined: those of `push`, and any where nothing is pushed. */
  readonly passwordRegistries?: readonly string[];
}

export type SigningSystem = 'notation' | 'cosign';

/** Who signs what, and how. */
export interface SigningSettings {
  /** As `parseSigningKey` reads it. */
  readonly key: string;
  /** At least one. */
  readonly systems: readonly SigningSystem[];
  /** Of an encrypted key file. */
  readonly password: Credential | undefined;
  /** Of Notary Project signatures. */
  readonly format: 'jws' | 'cose';
  /** How long a Notary Project signature holds; undefined: as long as its certificate. */
  readonly lifetimeMs: number | undefined;
  /** What is signed along with the image. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly cosignFormat: 'bundle' | 'legacy' | 'both';
  /** Who countersigns Notary Project signatures, and the file of its root certificate; undefined: nobody. */
  readonly timestamp: { readonly url: URL; readonly rootFile: string } | undefined;
  /** Counts where `key` is `keyless`. */
  readonly sigstore: SigstoreSettings;
}

/** One instance of Sigstore, and who vouches there for the run. */
export interface SigstoreSettings {
  readonly services:
    | { readonly kind: 'urls' /** Without a slash at their end. */; readonly fulcioUrl: string; readonly rekorUrl: string }
    | { readonly kind: 'signing-config'; readonly file: string };
  /** Service connection whose tokens say who the run is, where the host itself gives none. */
  readonly serviceConnection: string | undefined;
  /** File; undefined: that of the public instance. */
  readonly trustedRoot: string | undefined;
}

/** The inputs of one run but for its image, typed. Paths are as the user gave them, relative to the workspace. */
export interface StepSettings extends AccessSettings {
  /** In their normal form, each once; empty for all. */
  readonly platforms: readonly Platform[];
  readonly policy: string | undefined;
  readonly failOn: Exclude<Severity, 'unknown'> | 'none';
  readonly advisories: AdvisoriesSetting;
  /** File of certificates, one of which has to be in the chain that signed a snapshot from a registry. */
  readonly advisoriesCertificate: string | undefined;
  /** Folder that keeps snapshots from registries; undefined: the runner's. */
  readonly advisoriesCache: string | 'off' | undefined;
  readonly knownExploited: ListSetting | undefined;
  readonly epss: ListSetting | undefined;
  /** Formats of the bill of materials, each once; empty for none. */
  readonly sbom: readonly SbomFormat[];
  /** What is attached as signed statements; empty where nothing is signed. */
  readonly attest: readonly EvidenceKind[];
  /** Whether the input named them; what is only there by default is left out without a word where it cannot be had. */
  readonly isAttestNamed: boolean;
  /** Delete what earlier runs with this key have attached of the same kinds. */
  readonly pruneEvidence: boolean;
  readonly dockerfile: string | undefined;
  readonly annotations: boolean;
  readonly comment: boolean;
  readonly summary: boolean;
  readonly report: string | undefined;
  readonly compression: 'gzip' | 'zstd' | 'keep';
  /** Names out of `secrets` that later steps may have. */
  readonly exportSecrets: readonly string[];
}

/** The inputs of the command `secure`. */
export interface Settings extends StepSettings {
  readonly image: string;
}

/** The inputs of the command `doctor`, which can do without the image. */
export interface DoctorSettings extends StepSettings {
  readonly image: string | undefined;
}

/** The inputs of the command `mirror`. */
export interface MirrorSettings extends AccessSettings {
  readonly advisories: MirrorOrigin;
  /** Empty for all that the origin has and the step can use. */
  readonly ecosystems: readonly string[];
  /** File that the snapshot is written to. */
  readonly snapshot: string | undefined;
}

/** What `verify` can ask of an image: a digest in the deployment, and what trusted signers say of the image. */
export type Requirement = 'digest' | 'signature' | SigningSystem | EvidenceKind;

/** Where the report goes. */
export type ReportSettings = Pick<StepSettings, 'annotations' | 'comment' | 'summary' | 'report'>;

/** The inputs of the command `verify`. */
export interface VerifySettings extends AccessSettings, ReportSettings {
  /** Images by tag or digest, `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`. */
  readonly references: readonly string[];
  /** Files, folders and patterns, or `-`. */
  readonly deployment: readonly string[];
  readonly composeVariables: ReadonlyMap<string, string>;
  /** Write digests into the deployment. */
  readonly pin: boolean;
  /** `HOST[:PORT][/PATTERN]`; empty for all. */
  readonly trustedRegistries: readonly string[];
  readonly trust: TrustSettings;
  readonly require: readonly Requirement[];
  /** How old a scan and a verdict may be. */
  readonly evidenceMaxAgeMs: number | undefined;
  readonly policy: string | undefined;
  readonly failOn: StepSettings['failOn'];
}

/** Whose signatures count; files and folders. */
export interface TrustSettings {
  /** Certificates whose Notary Project signatures count. */
  readonly certificate: string | undefined;
  /** Trust policy of the Notary Project, and its folder `truststore`; undefined: that beside the policy. */
  readonly policy: string | undefined;
  readonly store: string | undefined;
  /** Public keys of cosign. */
  readonly cosignKeys: readonly string[];
  /** As `parseCosignIdentity` reads them. */
  readonly cosignIdentities: readonly string[];
  /** Of Sigstore. */
  readonly root: string | undefined;
  /** Reports of runs that attached what is looked at first. */
  readonly receipts: readonly string[];
}

/** `bucket`: archives of records under an https URL. */
export type MirrorOrigin = { readonly kind: 'bucket'; readonly url: string | undefined } | { readonly kind: 'path'; readonly path: string };

export type SbomFormat = 'cyclonedx' | 'spdx';

export type AdvisoriesSetting =
  | { readonly kind: 'service'; readonly url: string }
  /** A directory of records or the file of a snapshot. */
  | { readonly kind: 'path'; readonly path: string }
  /** A snapshot in a registry, by tag or digest. */
  | { readonly kind: 'registry'; readonly reference: string };

/** A list that someone publishes: the file, or its https URL. */
export type ListSetting = { readonly kind: 'service'; readonly url: string } | { readonly kind: 'path'; readonly path: string };

/** One line of the input `secrets`. */
export interface SecretRequest {
  readonly name: string;
  readonly secretName: string;
}

/** A value given in clear, or the name of one of the run's Key Vault secrets. */
export type Credential = { readonly kind: 'literal'; readonly value: SecretValue } | { readonly kind: 'secret'; readonly name: string };
