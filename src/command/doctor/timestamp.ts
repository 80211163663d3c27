import { randomBytes } from 'node:crypto';
import type { SigningSettings } from '../../inputs/settings.ts';
import type { Check, CheckOutcome } from '../../model/check.ts';
import type { KeySigner } from '../../model/signer.ts';
import { openRevocation } from '../../sign/revocation/check.ts';
import { verifyTimestamp } from '../../sign/timestamp/verification.ts';
import { openTimestamping, type Timestamping } from '../signing.ts';
import type { World } from '../world.ts';
import { type Case, checkNames } from './case.ts';

/** The authority of the input timestamp-url, its root, and whether its certificates are revoked. Left out where it is not given. */
export function timestampChecks(signing: SigningSettings, { signer, world, host }: Case): readonly Check[] {
  const { timestamp } = signing;
  if (timestamp === undefined) return [];
  return [
    {
      name: 'timestamp',
      needs: ['certificate rules', checkNames.network(timestamp.url.host)],
      run: async () => {
        const key = await signer();
        return tryAuthority(await openTimestamping(timestamp, key, host.workspace, world), timestamp.url, key, world);
      },
    },
  ];
}

/** What is countersigned is random, so that the timestamp is good for nothing. */
async function tryAuthority(
  { roots, countersign }: Timestamping,
  { host }: URL,
  { algorithm }: KeySigner,
  { http, now, cancelled }: World,
): Promise<CheckOutcome> {
  const something = randomBytes(64);
  const { certificateChain } = verifyTimestamp(await countersign(something, algorithm), something, algorithm, { trusted: roots });
  const text = `${host} countersigns, and its certificates are issued below the root of timestamp-certificate`;
  const statuses = await openRevocation({ http, now, cancelled })(certificateChain);
  const revoked = statuses.find(({ status }) => status === 'revoked');
  if (revoked !== undefined) return { state: 'wrong', text: `${text}, but "${revoked.subject}" is revoked`, hint: otherAuthority };
  const unknown = statuses.find(({ status }) => status === 'unknown');
  if (unknown !== undefined)
    return {
      state: 'warning',
      text: `${text}; whether "${unknown.subject}" is revoked cannot be found out: ${unknown.reason}`,
      hint: reach,
    };
  return { state: 'right', text };
}

const otherAuthority = 'Name another authority in timestamp-url: whoever verifies with revocation refuses the timestamps of this one.';
const reach = 'Runs of secure do not ask, but who verifies does: see that the addresses in the certificate can be reached from there.';
