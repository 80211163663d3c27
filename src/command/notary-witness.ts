import { X509Certificate } from 'node:crypto';
import { cycloneDxMediaType } from '../evidence/cyclonedx.ts';
import { predicateTypeAnnotation, predicateTypes } from '../evidence/predicate-type.ts';
import { spdxMediaType } from '../evidence/spdx.ts';
import { maxStatementBytes, parseStatement } from '../evidence/statement.ts';
import { StepError } from '../lib/step-error.ts';
import type { JsonValue } from '../lib/strict-json.ts';
import { type Digest, toHex } from '../model/digest.ts';
import type { Descriptor } from '../model/image.ts';
import type { Confirmation, ConfirmedKind } from '../model/verification.ts';
import { statementMediaType } from '../sign/cosign/dsse.ts';
import { notaryArtifactType, thumbprintAnnotation, toThumbprint } from '../sign/notary/signature.ts';
import type { PolicyTrust } from '../sign/notary/trust-verification.ts';
import { type CertificateTrust, verifyNotary } from '../sign/notary/verification.ts';
import { fetchAttached, type ReadableRepository, visitReferrers } from './attached-document.ts';
import { documentsLimit, HearingList } from './hearing-list.ts';
import { toStatementKind } from './statement-kind.ts';
import { type Heard, type Hearing, hearInOrder, type SignedStatement, type Testimony, toRefusal, type Witness } from './testimony.ts';

/** Whose Notary Project signatures of one repository count. */
export type NotaryRule =
  | { readonly kind: 'skip'; readonly policy: string }
  | {
      readonly kind: 'verify';
      readonly policy: string;
      readonly trust: CertificateTrust | PolicyTrust;
      /** Certificates (DER), one of which is in the chain of each signature that counts. */
      readonly anchors: readonly Uint8Array[];
    };

const atOnce = 8;

/** Signers of the Notary Project. What `receipts` name is looked at first. `ruleFor` takes a repository, `HOST/PATH`, and rejects with an error of origin `signature` where there is no rule for it. */
export function createNotaryWitness(receipts: ReadonlySet<Digest>, ruleFor: (repository: string) => Promise<NotaryRule>): Witness {
  return {
    async ask(repository, image, kinds) {
      const rule = await ruleFor(repository.name).catch(toRefusal);
      const nothing = {
        system: 'notation',
        isSkipped: false,
        signatures: [],
        statements: [],
        warnings: [],
        refusals: [],
        left: 0,
      } as const;
      if (rule instanceof StepError) return toSettled({ ...nothing, policy: 'trust-policy', refusals: [rule] });
      const testimony = { ...nothing, policy: rule.policy };
      if (rule.kind === 'skip')
        return toSettled({ ...testimony, isSkipped: true, warnings: [`${rule.policy} has the level skip: signatures were not looked at`] });
      const signatures = newHearingList(rule, receipts);
      const documents = new Map(kinds.map((kind) => [kind, newHearingList(rule, receipts, documentsLimit)]));
      return {
        offer(referrer) {
          if (referrer.artifactType === notaryArtifactType) signatures.offer(referrer);
          else documents.get(kindOf(referrer))?.offer(referrer);
        },
        async hear() {
          const { answers, refusals, left } = await hearSignatures(repository, image.descriptor, rule, signatures);
          const statements = await hearStatements(repository, image.descriptor.digest, documents, rule, receipts);
          const warnings = [...answers, ...statements].flatMap((answer) => answer.warnings);
          return {
            ...testimony,
            signatures: answers.map(({ confirmation }) => confirmation),
            statements: statements.map(({ statement }) => statement),
            warnings: [...new Set(warnings)],
            refusals,
            left,
          };
        },
      };
    },
  };
}

/** Where nothing has to be looked at. */
function toSettled(testimony: Testimony): Hearing {
  return { offer: () => undefined, hear: async () => testimony };
}

type Rule = Extract<NotaryRule, { kind: 'verify' }>;

interface HeardSignature {
  readonly confirmation: Confirmation;
  readonly warnings: readonly string[];
}

/** Those that say to be by somebody who is trusted come first. */
function newHearingList({ anchors }: Rule, receipts: ReadonlySet<Digest>, limit?: number): HearingList {
  const thumbprints = anchors.map(toThumbprint);
  const isLikely = ({ annotations }: Descriptor) =>
    thumbprints.some((print) => annotations?.[thumbprintAnnotation]?.includes(print) === true);
  return new HearingList(receipts, isLikely, limit);
}

/** Signatures of a manifest; the first that counts is enough. */
async function hearSignatures(
  repository: ReadableRepository,
  subject: Descriptor,
  rule: Rule,
  list: HearingList,
): Promise<Heard<HeardSignature>> {
  const hear = ({ digest }: Descriptor) => hearSignature(repository, subject, digest, rule);
  const heard = await hearInOrder(list.toOrder(), hear, { until: 'first', atOnce });
  return { ...heard, left: heard.left + list.dropped };
}

async function hearSignature(
  repository: ReadableRepository,
  subject: Descriptor,
  digest: Digest,
  { policy, trust }: Rule,
): Promise<HeardSignature | undefined> {
  const document = await fetchAttached(repository, digest);
  if (document === undefined) return undefined;
  const { certificateChain, signingTime, warnings } = await verifyNotary(document, subject, trust);
  return {
    confirmation: { kind: 'signature', signedBy: toSubject(certificateChain), policy, digest, time: signingTime.toISOString() },
    warnings: warnings.map(({ check, error }) => `${policy} only logs ${check}: ${error.message}`),
  };
}

/** Bills of materials and statements that are attached to the image and have a signature by themselves. */
async function hearStatements(
  repository: ReadableRepository,
  image: Digest,
  documents: ReadonlyMap<ConfirmedKind, HearingList>,
  rule: Rule,
  receipts: ReadonlySet<Digest>,
): Promise<readonly { readonly statement: SignedStatement; readonly warnings: readonly string[] }[]> {
  const found = await Promise.all(
    [...documents].map(async ([kind, list]) => {
      const candidates = list.toOrder().slice(0, documentsLimit);
      const { answers } = await hearInOrder(candidates, (referrer) => hearStatement(repository, image, kind, referrer, rule, receipts), {
        // The newest is told by what it says itself.
        until: kind === 'scan' || kind === 'verdict' ? 'end' : 'first',
        atOnce: 2,
      });
      return answers;
    }),
  );
  return found.flat();
}

async function hearStatement(
  repository: ReadableRepository,
  image: Digest,
  kind: ConfirmedKind,
  referrer: Descriptor,
  rule: Rule,
  receipts: ReadonlySet<Digest>,
) {
  const { mediaType, digest, size } = referrer;
  const list = newHearingList(rule, receipts);
  await visitReferrers(repository, digest, (signature) => {
    if (signature.artifactType === notaryArtifactType) list.offer(signature);
  });
  const [signature] = (await hearSignatures(repository, { mediaType, digest, size }, rule, list)).answers;
  const document = signature && (await fetchAttached(repository, digest, maxStatementBytes));
  // What is signed is this document; that it is about this image, it has to say itself.
  if (document === undefined || signature === undefined || document.subject?.digest !== image) return undefined;
  const confirmation = { ...signature.confirmation, kind, digest };
  if (document.artifactType !== statementMediaType) {
    const predicateType = document.artifactType === cycloneDxMediaType ? predicateTypes.cyclonedx : predicateTypes.spdx;
    return { statement: { predicateType, predicate: null, confirmation }, warnings: signature.warnings };
  }
  const { predicateType, predicate, subject } = parseStatement(document.bytes);
  const isAbout = subject.some(({ digest: named }) => named.sha256 === toHex(image));
  if (!isAbout || toStatementKind(predicateType) !== kind) return undefined;
  return { statement: { predicateType, predicate: predicate as JsonValue, confirmation }, warnings: signature.warnings };
}

function kindOf({ artifactType, annotations }: Descriptor): ConfirmedKind {
  if (artifactType === cycloneDxMediaType || artifactType === spdxMediaType) return 'sbom';
  return artifactType === statementMediaType ? toStatementKind(annotations?.[predicateTypeAnnotation] ?? '') : 'other';
}

/** On one line. */
function toSubject([leaf = new Uint8Array()]: readonly Uint8Array[]): string {
  const subject: string | undefined = new X509Certificate(leaf).subject;
  // Node has none where the name is empty.
  return subject?.split('\n').reverse().join(', ') ?? '';
}
