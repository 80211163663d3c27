import { X509Certificate } from 'node:crypto';

/**
 * Every certificate in a file, in its order: PEM, DER, or a bundle of PKCS#7 (RFC 5652, 5.1) in either. Other PEM blocks and text between them are passed over; none
 * where there is nothing of the kind. Rejects where a certificate or a bundle is damaged.
 */
export async function readCertificates(content: string | Uint8Array): Promise<readonly X509Certificate[]> {
  const bytes = Buffer.from(content as Uint8Array);
  if (bytes[0] === derSequence) return readDer(bytes);
  const blocks = [...bytes.toString('latin1').matchAll(pemBlock)];
  const read = blocks.map(([block, label, body = '']) =>
    label === 'PKCS7' || label === 'CMS' ? readBundle(Buffer.from(body, 'base64')) : [new X509Certificate(block)],
  );
  return (await Promise.all(read)).flat();
}

const derSequence = 0x30;
/** RFC 7468, 5 and 8. */
const pemBlock =
  /-----BEGIN (CERTIFICATE|X509 CERTIFICATE|TRUSTED CERTIFICATE|PKCS7|CMS)-----([\s\S]*?)-----END (?:CERTIFICATE|X509 CERTIFICATE|TRUSTED CERTIFICATE|PKCS7|CMS)-----/g;

async function readDer(der: Buffer): Promise<readonly X509Certificate[]> {
  try {
    return [new X509Certificate(der)];
  } catch {
    return readBundle(der);
  }
}

async function readBundle(der: Buffer): Promise<readonly X509Certificate[]> {
  const [{ AsnConvert }, { ContentInfo, id_signedData, SignedData }] = await Promise.all([
    import('@peculiar/asn1-schema'),
    import('@peculiar/asn1-cms'),
  ]);
  const { contentType, content } = AsnConvert.parse(der, ContentInfo);
  if (contentType !== id_signedData) throw new Error(`a bundle of type ${contentType} holds no certificates`);
  const { certificates = [] } = AsnConvert.parse(content, SignedData);
  return certificates.flatMap(({ certificate }) =>
    certificate === undefined ? [] : [new X509Certificate(Buffer.from(AsnConvert.serialize(certificate)))],
  );
}
