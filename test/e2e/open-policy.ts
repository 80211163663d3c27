/** A policy file (JSON is YAML) that denies nothing and accepts every coverage gap, so that an image is published whatever is in it. */
export const openPolicy: string = JSON.stringify({
  version: 1,
  rules: [{ name: 'never', deny: { id: 'CVE-0000-0000' } }],
  gaps: ['too-large', 'damaged', 'unsupported', 'linked', 'foreign', 'no-release', 'no-advisories', 'stale-advisories'].flatMap((code) =>
    [{}, { path: '**' }].map((path) => ({ code, ...path, reason: 'Whether it is published is what counts here.', expires: '2099-12-31' })),
  ),
});
