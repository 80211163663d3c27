/** Whether what has the form of a secret is made up: documentation's examples, runs, sequences, one character over and over. */
export function isPlaceholder(value: string): boolean {
  return madeUp.test(value) || entropyBits(value) < Math.min(3, Math.log2(value.length) * 0.65);
}

const madeUp =
  /example|(.)\1{5}|x{4}|0{5}|123456|234567|abcdef|bcdefg|qwerty|changeme|placeholder|your[_-]?(?:key|token|secret)|dummy|redacted|deadbeef|test_?key|insert|fake_|^(?:your|my|some)[_-]/i;

/** Shannon entropy of the characters of `value`, in bits a character. */
export function entropyBits(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}
