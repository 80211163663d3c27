import { describe, expect, it } from 'vitest';
import { makeFileInspector } from '../../../../src/inspect/inventory/file-inspector.ts';
import { knownPrograms } from '../../../../src/inspect/inventory/program/known-programs.ts';
import { makeProgramInspector } from '../../../../src/inspect/inventory/program/program-inspector.ts';
import { runtimeReleaseReader } from '../../../../src/inspect/inventory/program/runtime-release.ts';
import type { PackageRecord } from '../../../../src/model/package.ts';
import { inspectFiles } from '../../inspect-files.ts';
import { elf } from '../executable/elf-writer.ts';

function inspect(files: Readonly<Record<string, string | Buffer>>, partBytes?: number): readonly PackageRecord[] {
  const inspectors = [makeProgramInspector(), makeFileInspector(runtimeReleaseReader)];
  return inspectFiles(inspectors, files, partBytes).flatMap((observation) => {
    expect(observation.kind).toBe('packages');
    return observation.kind === 'packages' ? observation.packages : [];
  });
}

function textOf({ name, version, ecosystem, source }: PackageRecord): string {
  return `${name} ${version}${ecosystem === undefined ? '' : ` ${ecosystem} ${source?.name} ${source?.version}`}`;
}

/** A program with a string among its constants. */
function program(text: string): Buffer {
  return elf({ rodata: Buffer.concat([Buffer.alloc(30_000, 'x'), Buffer.from(`\0${text}\0`, 'latin1')]) });
}

describe('a well-known program', () => {
  // The strings are those of real builds: of the projects, of Docker's official images and of Debian.
  it.each([
    ['usr/local/bin/node', 'node.js/v20.11.1', 'node 20.11.1 Bitnami node 20.11.1'],
    ['usr/local/bin/python3.11', '3.11.2', 'python 3.11.2 Bitnami python 3.11.2'],
    ['usr/local/lib/libpython3.11.so.1.0', '3.11.2+', 'python 3.11.2+ Bitnami python 3.11.2'],
    ['opt/nginx/sbin/nginx', 'nginx version: nginx/1.25.3', 'nginx 1.25.3 Bitnami nginx 1.25.3'],
    ['opt/bin/openssl', 'OpenSSL 1.1.1w  11 Sep 2023', 'openssl 1.1.1w'],
    ['bin/busybox', 'BusyBox v1.36.1 (2023-05-18)', 'busybox 1.36.1'],
    ['bin/[', 'BusyBox v1.37.0 (2024-09-26)', 'busybox 1.37.0'],
    ['usr/local/bin/redis-server', '7.0.14buildkitsandbox-1702957741000000000', 'redis 7.0.14 Bitnami redis 7.0.14'],
    ['usr/local/bin/redis-server', '4.0.11841ce7054bd9-1542359302000000000', 'redis 4.0.11 Bitnami redis 4.0.11'],
    ['usr/local/bin/redis-server', '7.0.151790282056000000000', 'redis 7.0.15 Bitnami redis 7.0.15'],
    ['usr/local/bin/valkey-server', '9.0.0buildkitsandbox-1764887574000000000', 'valkey 9.0.0 Bitnami valkey 9.0.0'],
    ['usr/lib/postgresql/15/bin/postgres', 'PostgreSQL 15.4 on x86_64', 'postgresql 15.4 Bitnami postgresql 15.4.0'],
    ['opt/mariadb/bin/mariadbd', '10.11.19-MariaDB', 'mariadb 10.11.19 Bitnami mariadb 10.11.19'],
    ['opt/mysql/bin/mysqld', '/export/home/pb2/build/mysql-8.0.36/sql', 'mysql 8.0.36'],
    ['usr/local/bin/php', 'X-Powered-By: PHP/8.2.7', 'php 8.2.7 Bitnami php 8.2.7'],
    ['usr/local/bin/ruby', 'ruby 2.7.7p221 (2022-11-24 revision 168ec2b1e5) [x86_64-linux]', 'ruby 2.7.7p221 Bitnami ruby 2.7.7'],
    ['usr/local/bin/ruby', 'ruby 3.3.0rc1 (2023-12-11 master a49643340e)', 'ruby 3.3.0rc1'],
    ['usr/local/apache2/bin/httpd', 'Apache/2.4.58 (Unix)', 'httpd 2.4.58 Bitnami apache 2.4.58'],
    ['usr/local/sbin/haproxy', ' version 2.6.12-1+deb12u4, released 2026/10/17', 'haproxy 2.6.12 Bitnami haproxy 2.6.12'],
    ['opt/memcached', 'memcached 1.6.18', 'memcached 1.6.18 Bitnami memcached 1.6.18'],
    ['opt/bin/bash', '@(#)Bash version 5.2.15(1) release GNU', 'bash 5.2.15'],
    ['usr/local/bin/deno', 'Deno/2.6.3Deno/', 'deno 2.6.3'],
  ])('%s with %j is %s', (path, text, expected) => {
    for (const partBytes of [5000, 30_000, 1e9]) expect(inspect({ [path]: program(text) }, partBytes).map(textOf)).toEqual([expected]);
  });

  it('is read from a file of the runtime', () => {
    expect(
      inspect({
        'opt/jdk/release': 'IMPLEMENTOR="Eclipse Adoptium"\nJAVA_RUNTIME_VERSION="17.0.9+9"\nJAVA_VERSION="17.0.9"\n',
        'usr/lib/jvm/8/release': 'JAVA_VERSION="1.8.0_352"\nOS_NAME="Linux"\n',
        'usr/local/go/VERSION': 'go1.22.4\ntime 2024-05-30T19:26:07Z\n',
        'etc/release': 'NAME=x\n',
        'go/VERSION': 'no version\n',
      }).map(textOf),
    ).toEqual(['openjdk 17.0.9+9 Bitnami java 17.0.9', 'openjdk 1.8.0_352 Bitnami java 8.0.352', 'go 1.22.4 Bitnami golang 1.22.4']);
  });

  it('has a name in the NVD', () => {
    const [node] = inspect({ 'usr/local/bin/node': program('node.js/v20.11.1') });
    expect(node?.cpe).toBe('cpe:2.3:a:nodejs:node.js:20.11.1:*:*:*:*:*:*:*');
    const [python] = inspect({ 'usr/local/bin/python3.11': program('3.11.2+') });
    expect(python?.cpe).toBe('cpe:2.3:a:python:python:3.11.2\\+:*:*:*:*:*:*:*');
  });

  it('is nothing by its name or its strings alone', () => {
    expect(inspect({ 'usr/bin/node': '#!/bin/sh\n# node.js/v20.11.1\n'.padEnd(3000) })).toEqual([]);
    expect(inspect({ 'usr/bin/other': program('node.js/v20.11.1'), 'usr/bin/node': program('node.js/v') })).toEqual([]);
  });

  it('is looked for under every name that a pattern has', () => {
    const named = ['node', 'python3.11', 'nginx', 'openssl', 'busybox', 'redis-server', 'valkey-server', 'postgres', 'mariadb', 'mysqld'];
    const others = ['mongod', 'memcached', 'php8.2', 'ruby', 'perl', 'httpd', 'haproxy', 'beam.smp', 'libstd-0123456789abcdef.so', 'deno'];
    const names = [...named, ...others, 'bun', 'bash', 'curl', 'consul'];
    for (const { name, file } of knownPrograms)
      expect(
        names.some((text) => file.test(text)),
        name,
      ).toBe(true);
    for (const name of names) {
      const entry = { path: `opt/${name}`, type: 'file', sizeBytes: 5000, mode: 0o755, linkName: '' } as const;
      expect(makeProgramInspector().inspect().entry(entry), name).toBe('magic');
    }
  });
});
