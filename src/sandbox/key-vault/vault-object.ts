import { createHash, createPublicKey, type KeyObject, randomBytes, type X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate, id_ce_keyUsage, KeyUsage } from '@peculiar/asn1-x509';
import { toChainPem, toPrivateKeyPem } from '../certificate.ts';
import type { ObjectKind } from './error.ts';

/** What all objects of a vault have. */
export interface VaultObjectOptions {
  /** Letters, digits and dashes. */
  readonly name: string;
  /** 32 hexadecimal digits; random where absent. Of several versions the last one given is the current one. */
  readonly version?: string;
  readonly enabled?: boolean;
  /** Soft-deleted: it is only among the deleted ones. */
  readonly deleted?: boolean;
  /** Default: when the vault was started. */
  readonly deletedOn?: Date;
  readonly notBefore?: Date;
  readonly expires?: Date;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface VaultSecret extends VaultObjectOptions {
  readonly value: string;
  readonly contentType?: string;
}

export interface VaultKey extends VaultObjectOptions {
  readonly privateKey: KeyObject;
  /** Default `sign` and `verify`. */
  readonly operations?: readonly string[];
  /** Key that really signs, for a vault that gives wrong signatures. */
  readonly signsWith?: KeyObject;
}

export interface VaultCertificate extends VaultKey {
  /** Leaf first. The vault's own answer has only the leaf; the rest is in the secret of the same name. */
  readonly chain: readonly X509Certificate[];
  /** Whether the secret of the same name holds the private key. Default false. */
  readonly exportable?: boolean;
}

/** One version of an object as it is answered. */
export interface VaultObject {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly version: string;
  readonly options: VaultObjectOptions;
  /** Everything but its id and attributes. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly key: { readonly operations: readonly string[]; readonly signsWith: KeyObject } | undefined;
}

export function toSecretObject(secret: VaultSecret, url: string): VaultObject {
  const version = secret.version ?? createVersion();
  const body = {
    value: secret.value,
    ...(secret.contentType === undefined ? {} : { contentType: secret.contentType }),
    id: `${url}/secrets/${secret.name}/${version}`,
  };
  return { kind: 'secrets', name: secret.name, version, options: secret, body, key: undefined };
}

export function toKeyObject(key: VaultKey, url: string, managed = false): VaultObject {
  const version = key.version ?? createVersion();
  const operations = key.operations ?? ['sign', 'verify'];
  const jwk = createPublicKey(key.privateKey).export({ format: 'jwk' });
  const body = {
    key: { kid: `${url}/keys/${key.name}/${version}`, key_ops: operations, ...jwk },
    ...(managed ? { managed: true } : {}),
  };
  const signsWith = key.signsWith ?? key.privateKey;
  return { kind: 'keys', name: key.name, version, options: key, body, key: { operations, signsWith } };
}

/** A certificate with the key and the secret that it brings along, all of one name and version. */
export function toCertificateObjects(certificate: VaultCertificate, url: string): readonly VaultObject[] {
  const { name, chain, exportable = false } = certificate;
  const [leaf] = chain;
  if (leaf === undefined) {
    throw new Error(`certificate ${name} has no leaf`);
  }
  const dates = { notBefore: new Date(leaf.validFrom), expires: new Date(leaf.validTo) };
  const options = { ...dates, ...certificate, version: certificate.version ?? createVersion() };
  const ids = { kid: `${url}/keys/${name}/${options.version}`, sid: `${url}/secrets/${name}/${options.version}` };
  const body = {
    id: `${url}/certificates/${name}/${options.version}`,
    ...ids,
    x5t: createHash('sha1').update(leaf.raw).digest('base64url'),
    cer: leaf.raw.toString('base64'),
    policy: toPolicy(leaf, `${url}/certificates/${name}/policy`, exportable),
  };
  const pem = `${exportable ? toPrivateKeyPem(certificate.privateKey) : ''}${toChainPem(chain)}`;
  const secret = toSecretObject({ ...options, value: pem, contentType: 'application/x-pem-file' }, url);
  return [
    { kind: 'certificates', name, version: options.version, options, body, key: undefined },
    toKeyObject(options, url, true),
    { ...secret, body: { ...secret.body, kid: ids.kid, managed: true } },
  ];
}

/** https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-policy, told from the certificate. */
function toPolicy(leaf: X509Certificate, id: string, exportable: boolean): object {
  const { asymmetricKeyType, asymmetricKeyDetails } = leaf.publicKey;
  const { crv } = leaf.publicKey.export({ format: 'jwk' });
  const key = asymmetricKeyType === 'rsa' ? { kty: 'RSA', key_size: asymmetricKeyDetails?.modulusLength } : { kty: 'EC', crv };
  const isSelfSigned = leaf.checkIssued(leaf);
  const months = (Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / (30 * 24 * 60 * 60 * 1000);
  return {
    id,
    key_props: { exportable, ...key, reuse_key: false },
    secret_props: { contentType: 'application/x-pem-file' },
    x509_props: {
      subject: leaf.subject.split('\n').reverse().join(', '),
      ekus: leaf.keyUsage ?? [],
      key_usage: toKeyUsage(leaf),
      validity_months: Math.max(1, Math.round(months)),
    },
    lifetime_actions: [{ trigger: { lifetime_percentage: 80 }, action: { action_type: 'AutoRenew' } }],
    issuer: { name: isSelfSigned ? 'Self' : 'Unknown' },
  };
}

function toKeyUsage(certificate: X509Certificate): readonly string[] {
  const { extensions = [] } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate;
  const extension = extensions.find(({ extnID }) => extnID === id_ce_keyUsage);
  // Key Vault writes cRLSign, the library crlSign.
  return extension === undefined
    ? []
    : AsnConvert.parse(extension.extnValue.buffer, KeyUsage)
        .toJSON()
        .map((usage) => (usage === 'crlSign' ? 'cRLSign' : usage));
}

function createVersion(): string {
  return randomBytes(16).toString('hex');
}
