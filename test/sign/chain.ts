import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { id_mgf1, id_RSASSA_PSS, RsaSaPssParams } from '@peculiar/asn1-rsa';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as asn from '@peculiar/asn1-x509';
import { berTags, toTagged } from '../../src/lib/ber.ts';
import { hashOf, signatureForm } from '../../src/lib/signature-algorithm.ts';
import type { KeySigner, SignatureAlgorithm } from '../../src/model/signer.ts';

export type KeyType = 'RSA-1024' | 'RSA-2048' | 'RSA-3072' | 'RSA-4096' | 'P-256' | 'P-384' | 'P-521' | 'secp256k1';

export interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function makeKeys(type: KeyType): Keys {
  return type.startsWith('RSA-')
    ? generateKeyPairSync('rsa', { modulusLength: Number(type.slice(4)) })
    : generateKeyPairSync('ec', { namedCurve: type });
}

/** A certificate, described by what a test wants to break. */
export interface Recipe {
  readonly name: string;
  readonly keys: Keys;
  readonly extensions: readonly asn.Extension[];
  readonly from?: Date;
  readonly to?: Date;
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** Issued by an RSA key with RSA-PSS, SHA-256 and a salt of so many bytes. */
  readonly saltLength?: number;
  /** Changes what is signed, so that it is no longer the DER that it should be. */
  readonly damage?: (tbs: Buffer) => Buffer;
}

const ecdsaOids = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};
const rsaOids = {
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};

export const start = new Date('2026-01-01T00:00:00Z');
export const end = new Date('2046-01-01T00:00:00Z');

export function makeCertificate(recipe: Recipe, issuer: Pick<Recipe, 'name' | 'keys'> = recipe): Buffer {
  const hash = recipe.hash ?? 'sha256';
  const rsa = issuer.keys.privateKey.asymmetricKeyType === 'rsa';
  const pss = recipe.saltLength === undefined ? undefined : toPss(recipe.saltLength);
  const algorithm =
    pss?.algorithm ?? new asn.AlgorithmIdentifier({ algorithm: (rsa ? rsaOids : ecdsaOids)[hash], ...(rsa && { parameters: null }) });
  const tbs = new asn.TBSCertificate({
    version: asn.Version.v3,
    serialNumber: new Uint8Array([1, 2, 3, 4, recipe.name.length]).buffer,
    signature: algorithm,
    issuer: toName(issuer.name),
    subject: toName(recipe.name),
    validity: new asn.Validity({ notBefore: recipe.from ?? start, notAfter: recipe.to ?? end }),
    subjectPublicKeyInfo: AsnConvert.parse(recipe.keys.publicKey.export({ type: 'spki', format: 'der' }), asn.SubjectPublicKeyInfo),
    extensions: new asn.Extensions([...recipe.extensions]),
  });
  const der = Buffer.from(AsnConvert.serialize(tbs));
  const signed = recipe.damage?.(der) ?? der;
  const value = sign(hash, signed, { key: issuer.keys.privateKey, ...pss?.form });
  const bits = toTagged(berTags.bitString, Buffer.concat([Buffer.of(0), value]));
  return toTagged(berTags.sequence, Buffer.concat([signed, Buffer.from(AsnConvert.serialize(algorithm)), bits]));
}

/** RFC 4055, 3.1. */
function toPss(saltLength: number) {
  const hashAlgorithm = new asn.AlgorithmIdentifier({ algorithm: '2.16.840.1.101.3.4.2.1', parameters: null });
  const maskGenAlgorithm = new asn.AlgorithmIdentifier({ algorithm: id_mgf1, parameters: AsnConvert.serialize(hashAlgorithm) });
  const parameters = AsnConvert.serialize(new RsaSaPssParams({ hashAlgorithm, maskGenAlgorithm, saltLength }));
  return {
    algorithm: new asn.AlgorithmIdentifier({ algorithm: id_RSASSA_PSS, parameters }),
    form: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
  };
}

function toName(commonName: string): asn.Name {
  const parts: [string, asn.AttributeValue][] = [
    ['2.5.4.6', new asn.AttributeValue({ printableString: 'DE' })],
    ['2.5.4.8', new asn.AttributeValue({ utf8String: 'Berlin' })],
    ['2.5.4.10', new asn.AttributeValue({ utf8String: 'Tests' })],
    ['2.5.4.3', new asn.AttributeValue({ utf8String: commonName })],
  ];
  return new asn.Name(parts.map(([type, value]) => new asn.RelativeDistinguishedName([new asn.AttributeTypeAndValue({ type, value })])));
}

function extension(extnID: string, critical: boolean, value: object): asn.Extension {
  return new asn.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** One whose value is these bytes, whatever they are. */
export function rawExtension(extnID: string, critical: boolean, hex: string): asn.Extension {
  return new asn.Extension({ extnID, critical, extnValue: new OctetString(new Uint8Array(Buffer.from(hex, 'hex')).buffer) });
}

export function basicConstraints(cA: boolean, critical = true, pathLenConstraint?: number): asn.Extension {
  return extension(
    asn.id_ce_basicConstraints,
    critical,
    new asn.BasicConstraints({ cA, ...(pathLenConstraint !== undefined && { pathLenConstraint }) }),
  );
}

export function keyUsage(flags: number, critical = true): asn.Extension {
  return extension(asn.id_ce_keyUsage, critical, new asn.KeyUsage(flags));
}

export function extendedKeyUsage(...ids: string[]): asn.Extension {
  return extension(asn.id_ce_extKeyUsage, false, new asn.ExtendedKeyUsage(ids));
}

export const usage = asn.KeyUsageFlags;
export const leafExtensions = [keyUsage(usage.digitalSignature), extendedKeyUsage(asn.id_kp_codeSigning)];
export const authorityExtensions = [basicConstraints(true), keyUsage(usage.keyCertSign | usage.cRLSign)];

export interface ChainParts {
  readonly leaf?: Partial<Recipe>;
  readonly intermediate?: Partial<Recipe>;
  readonly root?: Partial<Recipe>;
}

/** Leaf, intermediate and root, sound but for what `parts` changes. */
export function makeChain(keyType: KeyType, parts: ChainParts = {}): { readonly chain: readonly Buffer[]; readonly keys: Keys } {
  const keys = makeKeys(keyType);
  const root = { name: 'Root', keys: makeKeys('P-256'), extensions: authorityExtensions, ...parts.root };
  const intermediate = { name: 'Intermediate', keys: makeKeys('P-384'), extensions: authorityExtensions, ...parts.intermediate };
  const leaf = { name: 'Leaf', keys, extensions: leafExtensions, ...parts.leaf };
  const chain = [makeCertificate(leaf, intermediate), makeCertificate(intermediate, root), makeCertificate(root)];
  return { chain, keys: leaf.keys };
}

export const algorithms: readonly (readonly [KeyType, SignatureAlgorithm])[] = [
  ['RSA-2048', 'PS256'],
  ['RSA-3072', 'PS384'],
  ['RSA-4096', 'PS512'],
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
];

/** A signer by a key in memory. */
export function makeSigner(algorithm: SignatureAlgorithm, keys: Keys, certificateChain: readonly Uint8Array[]): KeySigner {
  return {
    description: 'key in memory',
    keptIn: 'file',
    algorithm,
    publicKey: keys.publicKey.export({ format: 'der', type: 'spki' }),
    certificateChain,
    sign: async (message, form = algorithm) => sign(hashOf(form), message, { key: keys.privateKey, ...signatureForm(form) }),
  };
}

export function toPem(...certificates: readonly Buffer[]): string {
  return certificates
    .map(
      (der) =>
        `-----BEGIN CERTIFICATE-----\n${der
          .toString('base64')
          .match(/.{1,64}/g)
          ?.join('\n')}\n-----END CERTIFICATE-----\n`,
    )
    .join('');
}
