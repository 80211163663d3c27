import { describe, expect, it } from 'vitest';
import { readInputs as readAzureInputs } from '../../src/host/azure-pipelines/inputs.ts';
import { readInputs as readGitHubInputs } from '../../src/host/github/inputs.ts';

describe('inputs on GitHub', () => {
  it('are found under the name that the runner gives them', () => {
    const env = {
      'INPUT_FAIL-ON': ' high\n',
      INPUT_PUSH: 'a\nb\n',
      INPUT_IMAGE: '',
      'INPUT_KEY-VAULT': '  ',
      INPUT_TWO_WORDS: 'x',
      FAIL_ON: 'no',
    };
    expect(readGitHubInputs(env, ['fail-on', 'push', 'image', 'key-vault', 'two words', 'sign'])).toEqual({
      'fail-on': 'high',
      push: 'a\nb',
      'two words': 'x',
    });
  });
});

describe('inputs on Azure Pipelines', () => {
  it('are found under the name that the agent gives them', () => {
    const env = { INPUT_FAILON: ' high ', INPUT_PUSH: 'a\r\nb', INPUT_IMAGE: '', INPUT_A_B_C: 'x' };
    expect(readAzureInputs(env, ['fail-on', 'push', 'image', 'a.b c', 'sign'])).toEqual({
      'fail-on': 'high',
      push: 'a\r\nb',
      'a.b c': 'x',
    });
  });

  it('are refused where the agent could not replace a variable', () => {
    expect(() => readAzureInputs({ INPUT_REGISTRYPASSWORD: '$(ACR.Password)' }, ['registry-password'])).toThrowError(
      'Cannot read the input registry-password: its value $(ACR.Password) is a variable that is not defined in this run.',
    );
    expect(readAzureInputs({ INPUT_IMAGE: 'app:$(x) y' }, ['image'])).toEqual({ image: 'app:$(x) y' });
  });
});
