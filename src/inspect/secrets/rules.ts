import { awsAccessKeyRule, awsSecretKeyRule } from './aws-key.ts';
import { azureKeyRule, azureSignatureRule } from './azure-key.ts';
import { githubTokenRule } from './github-token.ts';
import { privateKeyRule } from './private-key.ts';
import type { SecretRule } from './secret-rule.ts';

/** Every family of secrets that is searched for. All their anchors together are at most eight: one pass of the scanner. */
export const secretRules: readonly SecretRule[] = [
  privateKeyRule,
  awsAccessKeyRule,
  awsSecretKeyRule,
  githubTokenRule,
  azureKeyRule,
  azureSignatureRule,
];
