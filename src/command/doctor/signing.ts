import { X509Certificate } from 'node:crypto';
import { nameText } from '../../lib/certificate-chain.ts';
import { isSignature, keyText, toPublicKey } from '../../lib/signature-algorithm.ts';
import type { Check, CheckOutcome } from '../../model/check.ts';
import type { KeySigner } from '../../model/signer.ts';
import { checkCertificateChain } from '../../sign/notary/certificate-chain.ts';
import { parseSigningKey } from '../../sign/signing-key.ts';
import { wrongSignature } from '../../sign/wrong-signature.ts';
import { type Case, checkNames, dayMs } from './case.ts';
import { timestampChecks } from './timestamp.ts';

/** A certificate takes a while to be renewed and to be handed to those who verify. */
const soonDays = 30;

/** The key of the input signing-key, its certificates, and that it signs. Left out where nothing is signed. */
export function signingChecks(given: Case): readonly Check[] {
  const { settings, signer, world } = given;
  const { signing } = settings;
  if (signing === undefined) return [];
  const { kind } = parseSigningKey(signing.key);
  if (kind === 'keyless') return [{ name: checkNames.signingKey, needs: [], run: () => tryToken(signer) }];
  const inVault = kind === 'key-vault';
  const needsKey = [checkNames.signingKey];
  const isCertified = signing.systems.includes('notation');
  const certificateChecks: readonly Check[] = [
    {
      name: 'certificate rules',
      needs: needsKey,
      run: async () => {
        checkCertificateChain(await signer(), world.now());
        return { state: 'right', text: 'the chain keeps the rules of the Notary Project' };
      },
    },
    {
      name: 'certificate dates',
      needs: needsKey,
      run: async () => datesOf(await signer(), world.now(), signing.timestamp === undefined ? renewal : stampedRenewal),
    },
  ];
  return [
    {
      name: checkNames.signingKey,
      needs: inVault ? [checkNames.identity] : [],
      run: async () => {
        const { description, algorithm, certificateChain, publicKey } = await signer();
        const chain = certificateChain.length === 0 ? 'it has no certificate' : `its chain of ${certificateChain.length} is complete`;
        return { state: 'right', text: `${description}: ${keyText(toPublicKey(publicKey))}, signs with ${algorithm}; ${chain}` };
      },
    },
    ...(isCertified ? certificateChecks : []),
    { name: 'signature', needs: isCertified ? ['certificate rules'] : needsKey, run: async () => trySignature(await signer()) },
    ...timestampChecks(signing, given),
  ];
}

/** Nothing is signed: that would stand in the log of Sigstore for good. */
async function tryToken(signer: () => Promise<KeySigner>): Promise<CheckOutcome> {
  const { description } = await signer();
  return { state: 'right', text: `${description}: the host gives a token for it` };
}

/** The first of the chain to end is the last day of all that was signed without a timestamp. */
function datesOf({ certificateChain }: KeySigner, now: Date, hint: string): CheckOutcome {
  const certificates = certificateChain.map((der) => new X509Certificate(der)).map((x509) => ({ x509, ends: new Date(x509.validTo) }));
  const [first] = certificates.toSorted((a, b) => a.ends.getTime() - b.ends.getTime());
  if (first === undefined) return { state: 'wrong', text: 'the chain is empty' };
  const days = Math.floor((first.ends.getTime() - now.getTime()) / dayMs);
  const text = `the first to end is "${nameText(first.x509.subject)}", at ${first.ends.toISOString()}`;
  if (days < 0) return { state: 'wrong', text: `${text}: that is past`, hint };
  if (days < soonDays) return { state: 'warning', text: `${text}: in ${days} days`, hint };
  return { state: 'right', text: `${text}: in ${days} days` };
}

const stampedRenewal =
  'Have the certificate issued anew (docs/signing.md), hand its root to those who verify, and only then sign with it: nothing can be signed with the old one after its last day.';
const renewal = `${stampedRenewal.slice(0, -1)}, and what was signed without a timestamp no longer holds.`;

/** A sentence: nothing that verifies signatures takes it for what is signed there (JWS signing input has no blanks). */
const sentence = Buffer.from('image-custody doctor tries whether this key signs; this is a signature of nothing else.');

async function trySignature(signer: KeySigner): Promise<CheckOutcome> {
  const signature = await signer.sign(sentence);
  if (!isSignature(signer.algorithm, toPublicKey(signer.publicKey), sentence, signature)) throw wrongSignature(signer, signer.algorithm);
  const verifier = signer.certificateChain.length === 0 ? 'its public key' : "the certificate's key";
  return { state: 'right', text: `the key signs, and ${verifier} verifies it (${signer.algorithm})` };
}
