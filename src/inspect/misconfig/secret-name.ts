import { isPlaceholder } from '../secrets/placeholder.ts';

/**
 * Whether a variable is, by its name and value, a secret that stands in the configuration in clear: a password, token or key with a literal value. A
 * path, a reference to another variable, a switch, a number or a placeholder is none; nor is what only describes a secret (`…_FILE`, `…_URL`,
 * `TOKEN_TTL`) or is public (`GPG_KEY`, fingerprints of OpenPGP keys, checksums).
 */
export function isSecretVariable(name: string, value: string): boolean {
  if (hasUserPassword(value)) return true;
  if (!secretName.test(name) || publicName.test(name) || describingName.test(name)) return false;
  return isLiteralSecret(value);
}

const secretName =
  /(?:^|[_-])(?:PASSWORDS?|PASSWD|PASSPHRASE|PASS|PWD|SECRETS?|TOKENS?|CREDENTIALS?|API_?KEY|SECRET_?KEY|ACCESS_?KEY|PRIVATE_?KEY|ENCRYPTION_?KEY|SIGNING_?KEY|MASTER_?KEY|AUTH_?KEY|ACCOUNT_?KEY|STORAGE_?KEY|SERVICE_?KEY|SUBSCRIPTION_?KEY|INSTRUMENTATION_?KEY|JWT_?KEY|APP_?KEY|KEY)$|(?:PASSWORD|PASSWD|APIKEY|SECRETKEY|SECRET_KEY_BASE|ACCESSTOKEN|AUTHTOKEN)$/i;
const publicName =
  /(?:^|[_-])(?:GPG|PGP|PUBLIC|PUB|PUBLISHABLE|HOST|FINGERPRINT|SHA\d*|SORT|PRIMARY|FOREIGN|PARTITION|CACHE|REGISTRY|PRESS|ANY|HOT)_?KEYS?$|(?:^|_)(?:OLD)?PWD$/i;
const describingName = /(?:^|[_-])(?:NO|ALLOW_EMPTY|RANDOM|USE|ENABLE|DISABLE|REQUIRE|MIN|MAX|SKIP)[_-]/i;

function isLiteralSecret(value: string): boolean {
  const text = value.trim();
  if (text.length < 6 || text.length > 4096 || isPlaceholder(text)) return false;
  if (/^(?:\/|\.{1,2}\/|~\/|[A-Za-z]:\\|file:|https?:\/\/[^@]*$)/.test(text)) return false;
  if (/^\$|\$\{|\{\{|^%\w+%$|^<.*>$|^\*+$|^(?:secret|vault|arn|keyvault|op|env|ref):/i.test(text) || /@Microsoft\.KeyVault/i.test(text))
    return false;
  if (/^(?:0x)?(?:[0-9A-F]{16}|[0-9A-F]{40})$/.test(text)) return false;
  return !/^(?:true|false|none|null|yes|no|on|off|enabled|disabled|optional|required|password|secret|token|default|[\d.]+)$/i.test(text);
}

/** `scheme://user:password@host`. */
function hasUserPassword(value: string): boolean {
  const password = /^[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{0,100}:([^\s/@]{3,200})@[^\s/]/i.exec(value)?.[1];
  return password !== undefined && !/^\$|\{\{|^%\w+%$|^<.*>$|^\*+$/.test(password) && !madeUpPassword.test(password);
}

const madeUpPassword = /^(?:password|passwd|pass|secret|pwd|changeme|example|user|x{3,})$/i;
