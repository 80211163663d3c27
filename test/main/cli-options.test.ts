import { Command } from 'commander';
import { expect, test } from 'vitest';
import { inputOptions, toRaw } from '../../src/main/cli-options.ts';

function parse(...args: string[]): Readonly<Record<string, string>> {
  const program = new Command();
  for (const option of inputOptions('verify')) program.addOption(option);
  return Object.fromEntries(toRaw(program.parse(args, { from: 'user' }).opts()));
}

test('a flag alone says yes, and takes a value', () => {
  expect(parse('--pin', '--deployment', 'deploy')).toEqual({ pin: 'true', deployment: 'deploy' });
  expect(parse('--pin', 'false')).toEqual({ pin: 'false' });
  expect(parse('--deployment', 'deploy', '--pin')).toEqual({ pin: 'true', deployment: 'deploy' });
});

test('an option that is repeated is a list, one item a line', () => {
  expect(parse('--reference', 'a', '--reference', 'b')).toEqual({ reference: 'a\nb' });
});
