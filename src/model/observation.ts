import type { Severity } from './finding.ts';
import type { PackageRecord, SystemPackageType } from './package.ts';

/**
 * What an inspector saw in one layer. `path` is the tar entry's cleaned name, without a leading slash. Packages count only while their file
 * survives in the final file system; secrets and malware stay findings when a later layer deletes the file, for it is still in its layer.
 */
export type Observation =
  | PackagesObservation
  | PackageNoteObservation
  | OsReleaseObservation
  | SuperusersObservation
  | SecretObservation
  | MalwareObservation
  | GapObservation;

export interface PackagesObservation {
  readonly kind: 'packages';
  readonly path: string;
  readonly packages: readonly PackageRecord[];
  /** Set where the file is the software itself, a program or an archive: it counts under any name that it has in the end. */
  readonly isSoftware?: true;
}

/** What a file says of one OS package that the package's database leaves open. */
export interface PackageNoteObservation {
  readonly kind: 'package-note';
  readonly path: string;
  readonly type: SystemPackageType;
  /** Name of the OS package. */
  readonly package: string;
  /** Metadata files of language packages that the OS package installed, without a leading slash. */
  readonly languageFiles: readonly string[];
  /** Paths of all its files, one a line, with or without a slash or `./` at the beginning: programs and archives are looked up there. */
  readonly fileList?: string;
  /** As in a package record. */
  readonly licence?: PackageRecord['licence'];
}

export interface OsReleaseObservation {
  readonly kind: 'os-release';
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The names in `etc/passwd` that are root (user id 0). */
export interface SuperusersObservation {
  readonly kind: 'superusers';
  readonly path: string;
  readonly names: readonly string[];
}

export interface SecretObservation {
  readonly kind: 'secret';
  readonly path: string;
  /** Rule id, e.g. `private-key`, `aws-access-key`. */
  readonly rule: string;
  readonly title: string;
  readonly severity: Severity;
  /** 1-based, where the file is text. */
  readonly line: number | undefined;
  /** SHA-256 (hex) of rule and secret: equal for the same secret, and of no use to who reads it. */
  readonly fingerprint: string;
  /** At most the first 4 characters of the secret, then `…`; safe to print. */
  readonly preview: string;
}

export interface MalwareObservation {
  readonly kind: 'malware';
  readonly path: string;
  readonly rule: string;
  readonly title: string;
}

/** Something in a layer that could not be looked at: a limit, an unknown format, a damaged database. */
export interface GapObservation {
  readonly kind: 'gap';
  readonly path: string;
  /** Closed set, which policies name. */
  readonly code: 'too-large' | 'damaged' | 'unsupported' | 'linked';
  readonly reason: string;
  /** Set where it concerns the layer rather than the file, and so counts also when a later layer deletes the file. */
  readonly ofLayer?: true;
}

/** An observation with the layer it was made in and whether its file is still there at the end. */
export interface PlacedObservation<T extends Observation = Observation> {
  readonly layer: number;
  readonly survives: boolean;
  readonly observation: T;
}
