import { describe, expect, it } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { SecretValue } from '../../src/lib/secret-value.ts';
import { StepError } from '../../src/lib/step-error.ts';
import type { Annotation } from '../../src/model/annotation.ts';
import { payloads } from '../report/payloads.ts';

export interface HostUnderTest {
  readonly host: Host;
  /** What the host has written to where its runner reads it (for a shell: to both streams). */
  output(): string;
  /**
   * The commands that the host's runner finds in what was written, but for those that the host is there to give: each of those must be one of
   * `expected`, in that order.
   */
  readonly commands: (output: string) => readonly FoundCommand[];
  /** Texts that act in this output besides commands: what is returned is an intruder. */
  readonly findActing: (output: string) => readonly string[];
  close(): Promise<void>;
}

/** A command as the runner understands it. */
export interface FoundCommand {
  readonly name: string;
  readonly message: string;
}

export interface HostContract {
  readonly setUp: () => Promise<HostUnderTest>;
  /** The commands that an annotation of each level becomes, if any. */
  readonly annotation: Readonly<Record<Annotation['level'], string | undefined>>;
  readonly warning: string | undefined;
  /** All commands that an error becomes. */
  readonly failure: readonly string[];
  readonly mask: string | undefined;
}

const outcome = { conclusion: 'failure', title: 'Denied', summary: 'x' } as const;

/** What every host has to keep, whatever the texts are that it is given. */
export function testHostContract(name: string, contract: HostContract): void {
  describe(`${name} keeps the host contract`, () => {
    it.each(payloads)('with %j in every text', async (payload) => {
      const subject = await contract.setUp();
      try {
        const expected = await sayEverything(subject.host, payload, contract);
        const commands = subject.commands(subject.output());
        expect(commands.map((command) => command.name)).toEqual(expected);
        expect(subject.findActing(subject.output())).toEqual([]);
      } finally {
        await subject.close();
      }
    });

    it('writes whole lines', async () => {
      const subject = await contract.setUp();
      subject.host.log('info', 'one\r\ntwo');
      subject.host.log('warning', 'three');
      expect(subject.output().endsWith('\n')).toBe(true);
      await subject.close();
    });

    it('never shows a secret that it was told of, and masks it where it can', async () => {
      const subject = await contract.setUp();
      subject.host.mask(new SecretValue('first line of it\nsecond%line;]\r\n}\n'));
      const masks = subject
        .commands(subject.output())
        .filter((command) => command.name === contract.mask)
        .map((mask) => mask.message);
      const forms = ['first line of it', 'second%line;]', 'c2Vjb25kJWxpbmU7X', 'second%25line%3b%5d', 'first+line+of+it'];
      expect(masks).toEqual(contract.mask === undefined ? [] : expect.arrayContaining(forms));
      expect(masks.filter((mask) => mask.trim().length < 4 || /[\r\n]/.test(mask))).toEqual([]);
      await subject.close();
    });

    it('masks no text so short that the log would be blotted out', async () => {
      const subject = await contract.setUp();
      subject.host.mask(new SecretValue('abc'));
      expect(subject.commands(subject.output()).filter((command) => command.name === contract.mask)).toEqual([]);
      await subject.close();
    });

    it('gives at most ten annotations of each level to its runner, the first ones', async () => {
      const subject = await contract.setUp();
      const levels = ['error', 'warning', 'notice'] as const;
      const annotations = levels.flatMap((level) =>
        Array.from(
          { length: 25 },
          (_, index): Annotation => ({ level, title: 't', message: `${level} ${index}`, file: undefined, line: undefined }),
        ),
      );
      await subject.host.annotate(annotations, outcome);
      for (const level of levels) {
        const command = contract.annotation[level];
        const own = subject
          .commands(subject.output())
          .filter(({ name: found, message }) => found === command && message.includes(`${level} `));
        expect(own.length).toBe(command === undefined ? 0 : 10);
        for (const [index, { message }] of own.entries()) expect(message).toContain(`${level} ${index}`);
      }
      await subject.close();
    });

    it('rejects no report, whatever is in its way', async () => {
      const subject = await contract.setUp();
      await subject.close();
      await expect(subject.host.annotate([], outcome)).resolves.toBeUndefined();
      await expect(subject.host.comment('x', outcome)).resolves.toBeUndefined();
      await expect(subject.host.summarise('x')).resolves.toBeUndefined();
    });
  });
}

/** Gives the payload to every method that takes text, and tells the commands that have to come of it. */
async function sayEverything(host: Host, payload: string, contract: HostContract): Promise<readonly string[]> {
  host.log('info', payload);
  host.log('info', `before ${payload} after`);
  host.log('warning', payload);
  const progress = { done: 1, total: 2, bytes: 3, elapsedMs: 4000 };
  host.progress({ step: payload, ...progress, finished: false });
  host.progress({ step: payload, ...progress, finished: true });
  const levels = ['error', 'warning', 'notice'] as const;
  await host.annotate(
    levels.map((level) => ({
      level,
      title: payload,
      message: `${payload}\n${payload}`,
      file: payload === '' ? undefined : payload,
      line: 3,
    })),
    { ...outcome, title: payload, summary: payload },
  );
  host.fail(new StepError({ code: 'x', origin: 'us', message: payload, hint: payload }));
  return [contract.warning, ...levels.map((level) => contract.annotation[level]), ...contract.failure].filter((name) => name !== undefined);
}
