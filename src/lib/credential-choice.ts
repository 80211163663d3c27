import type { SecretValue } from './secret-value.ts';

/** How a run proves to Azure who it is. */
export type CredentialChoice =
  | {
      readonly kind: 'client-secret';
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: SecretValue;
      readonly via?: IdentityRoute;
    }
  | {
      readonly kind: 'client-certificate';
      readonly tenantId: string;
      readonly clientId: string;
      readonly certificate: CertificateSource;
      readonly via?: IdentityRoute;
    }
  | {
      readonly kind: 'federated';
      readonly tenantId: string;
      readonly clientId: string;
      /** A token of another issuer for `audience`; asked for anew whenever Entra ID is. */
      readonly fetchAssertion: (audience: string) => Promise<SecretValue>;
      readonly via?: IdentityRoute;
    }
  | {
      readonly kind: 'managed-identity';
      /** Of the one that a user has assigned; undefined for that of the machine itself. */
      readonly clientId: string | undefined;
      /** Address of the instance metadata service; undefined where the platform's variables name another endpoint, as on App Service. */
      readonly imds: string | undefined;
      readonly via?: IdentityRoute;
    }
  | { readonly kind: 'azure-cli'; readonly tenantId: string | undefined };

/** Who vouches for the identity, as messages say it. */
export type IdentityRoute =
  | { readonly kind: 'github' }
  | { readonly kind: 'kubernetes'; readonly tokenFile: string }
  | { readonly kind: 'service-connection'; readonly id: string };

/** A private key and its certificate, in PEM. */
export type CertificateSource =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly password: SecretValue | undefined;
      /** Sends the certificates along, for applications that trust by subject name and issuer. */
      readonly sendChain: boolean;
    }
  | { readonly kind: 'text'; readonly pem: SecretValue };

/** An Azure Resource Manager service connection of Azure Pipelines, as the agent gave it to the task. */
export interface ServiceConnection {
  readonly choice: CredentialChoice;
  /** Of Entra ID in the connection's cloud; undefined where it does not say. */
  readonly authorityHost: string | undefined;
  /** To be masked before anything is done with them. */
  readonly secrets: readonly SecretValue[];
}

/** The choices of the input `azure-identity`. */
export const identityKinds = ['auto', 'federated', 'managed-identity', 'client-secret', 'client-certificate', 'azure-cli', 'none'] as const;
export type IdentityKind = (typeof identityKinds)[number];
