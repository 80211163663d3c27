export type RegistryAction = 'pull' | 'push' | 'delete' | 'metadata_read' | 'metadata_write';

/** What somebody may do: `repository` is a name, or the beginning of names when it ends in `*`. */
export interface RegistryGrant {
  readonly repository: string;
  readonly actions: readonly RegistryAction[];
}
