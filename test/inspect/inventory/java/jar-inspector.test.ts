import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeJarInspector } from '../../../../src/inspect/inventory/java/jar-inspector.ts';
import { JarReading } from '../../../../src/inspect/inventory/java/jar-reading.ts';
import { ZipStream } from '../../../../src/inspect/inventory/java/zip-stream.ts';
import type { PackageRecord } from '../../../../src/model/package.ts';
import { inspectFiles } from '../../inspect-files.ts';
import { type JarPart, jar, manifest, pom } from './jar-writer.ts';

function inspect(path: string, content: Buffer) {
  const observations = inspectFiles([makeJarInspector()], { [path]: content });
  const packages = observations.flatMap((observation) => (observation.kind === 'packages' ? observation.packages : []));
  const gaps = observations.flatMap((observation) => (observation.kind === 'gap' ? [`${observation.code}: ${observation.reason}`] : []));
  return { packages, gaps };
}

function stream(path: string, content: Buffer, partBytes = 1000) {
  const budget = { remaining: 1e9, entries: 1e6 };
  const reading = new JarReading(path, budget);
  const zip = new ZipStream(reading, budget);
  for (let at = 0; at < content.length; at += partBytes) {
    const part = Buffer.from(content.subarray(at, at + partBytes));
    zip.write(part, at + partBytes >= content.length);
    part.fill(0);
  }
  return { packages: reading.packages(), gaps: reading.gaps().map(({ code, reason }) => `${code}: ${reason}`) };
}

function textOf({ name, version, member }: PackageRecord): string {
  return `${name}:${version}${member === undefined ? '' : ` in ${member}`}`;
}

/** What is read whole and what passes by must be the same. */
function textsOf(path: string, content: Buffer): readonly string[] {
  const { packages, gaps } = inspect(path, content);
  expect(gaps).toEqual([]);
  for (const partBytes of [1, 7, 100, 4096])
    expect(stream(path, content, partBytes), `in parts of ${partBytes}`).toEqual({ packages, gaps });
  return packages.map(textOf);
}

const filler: JarPart = { name: 'a/B.class', content: randomBytes(3000) };

describe('a jar', () => {
  it('is what its pom.properties says', () => {
    expect(textsOf('lib/a-1.0.jar', jar([manifest({}), filler, pom('org.x', 'a', '1.0')]))).toEqual(['org.x:a:1.0']);
    expect(textsOf('lib/app.jar', jar([manifest({ 'Implementation-Version': '3' }), pom('org.x', 'a', '1.0')]))).toEqual(['org.x:a:1.0']);
  });

  it('is several packages where others were shaded into it', () => {
    const shaded = jar([pom('org.x', 'lib', '2.0'), pom('org.x', 'tool', '1.0'), pom('org.y', 'lib', '3.0'), pom('org.y', 'lib', '3.0')]);
    expect(textsOf('opt/tool-1.0.jar', shaded)).toEqual(['org.x:lib:2.0', 'org.x:tool:1.0', 'org.y:lib:3.0']);
    expect(textsOf('opt/other-5.0.jar', shaded)[0]).toBe('other:other:5.0');
  });

  it.each([
    ['spring-core-5.3.20.jar', { 'Implementation-Title': 'spring-core' }, 'org.springframework:spring-core:5.3.20'],
    [
      'catalina.jar',
      { 'Implementation-Title': 'Apache Tomcat', 'Implementation-Version': '9.0.60' },
      'org.apache.tomcat:tomcat-catalina:9.0.60',
    ],
    ['groovy-3.0.7.jar', {}, 'org.codehaus.groovy:groovy:3.0.7'],
    ['groovy-4.0.1.jar', {}, 'org.apache.groovy:groovy:4.0.1'],
    ['hibernate-core-5.4.10.Final.jar', {}, 'org.hibernate:hibernate-core:5.4.10.Final'],
    ['bcprov-jdk15on-1.66.jar', {}, 'org.bouncycastle:bcprov-jdk15on:1.66'],
    ['thing-2.0.jar', { 'Bundle-SymbolicName': 'com.example.thing;singleton:=true' }, 'com.example:thing:2.0'],
    ['thing.jar', { 'Implementation-Version': '2.0', 'Implementation-Vendor-Id': 'com.example' }, 'com.example:thing:2.0'],
    ['thing.jar', { 'Implementation-Version': '1.8.0_352 (build 1)', 'Implementation-Vendor': 'Example, Inc.' }, 'thing:thing:1.8.0_352'],
    ['thing.jar', { 'Implementation-Version': '${project.version}', 'Bundle-Version': '1.1' }, 'thing:thing:1.1'],
    ['armeria-thrift0.13-1.3.0.jar', {}, 'armeria-thrift0.13:armeria-thrift0.13:1.3.0'],
    ['commons_thing_1.2.jar', {}, 'commons_thing:commons_thing:1.2'],
    ['scala-x_2.13-1.2.3-RC1.jar', {}, 'scala-x_2.13:scala-x_2.13:1.2.3-RC1'],
    ['git.hpi', { 'Plugin-Version': '4.0', 'Short-Name': 'git', 'Group-Id': 'org.jenkins-ci.plugins' }, 'org.jenkins-ci.plugins:git:4.0'],
  ])('%s with %j is %s', (name, fields, expected) => {
    expect(textsOf(`opt/${name}`, jar([manifest(fields), filler]))).toEqual([expected]);
  });

  it('is nothing where nobody states a version', () => {
    expect(textsOf('opt/app.jar', jar([manifest({ 'Implementation-Title': 'App' }), filler]))).toEqual([]);
    expect(inspect('opt/app.jar', jar([]))).toEqual({ packages: [], gaps: [] });
    const hostile = jar([{ name: 'META-INF/maven/a/b/pom.properties', content: 'groupId=<b>\nartifactId=\x1b[31m\nversion=1 0\n' }]);
    expect(textsOf('opt/app.jar', hostile)).toEqual([]);
  });

  it('has the licence of its pom.xml, else of its manifest', () => {
    const licences =
      '<project><licenses><license><name>Apache-2.0</name></license><license> <name> MIT </name></license></licenses></project>';
    const xml = { name: 'META-INF/maven/org.x/a/pom.xml', content: licences };
    const parts = [manifest({ 'Bundle-License': 'BSD-3-Clause' }), pom('org.x', 'a', '1.0')];
    expect(inspect('a.jar', jar([...parts, xml])).packages[0]?.licence).toEqual(['Apache-2.0', 'MIT']);
    expect(inspect('a.jar', jar(parts)).packages[0]?.licence).toEqual(['BSD-3-Clause']);
    expect(inspect('a.jar', jar([pom('org.x', 'a', '1.0')])).packages[0]).not.toHaveProperty('licence');
  });
});

describe('a name that other things have too', () => {
  it('is an archive where it begins as one', () => {
    const content = jar([pom('org.x', 'adapter', '1.0')]);
    expect(inspect('opt/adapter.rar', content).packages.map(textOf)).toEqual(['org.x:adapter:1.0']);
    expect(inspect('opt/photos.rar', Buffer.from('Rar!\x1a\x07\x01\0'.padEnd(100)))).toEqual({ packages: [], gaps: [] });
    const parts = [
      { name: 'photos.rar', content: 'Rar!' },
      { name: 'adapter.rar', content },
      { name: 'empty.jar', content: '' },
    ];
    expect(inspect('opt/a.ear', jar(parts)).gaps).toEqual([]);
    expect(inspect('opt/a.ear', jar(parts)).packages).toHaveLength(1);
  });
});

describe('archives in archives', () => {
  const library = jar([pom('org.x', 'library', '1.0'), filler]);

  it('are read with the path to them', () => {
    const war = jar([{ name: 'WEB-INF/lib/library-1.0.jar', content: library }, manifest({ 'Implementation-Version': '2' })]);
    expect(textsOf('opt/shop.war', war)).toEqual(['shop:shop:2', 'org.x:library:1.0 in WEB-INF/lib/library-1.0.jar']);
    const ear = jar([{ name: 'shop.war', content: war, stored: true }]);
    expect(textsOf('opt/shop.ear', ear)).toEqual(['shop:shop:2 in shop.war', 'org.x:library:1.0 in shop.war!/WEB-INF/lib/library-1.0.jar']);
  });

  it('are a gap where they lie too deep, or are none', () => {
    let nested = library;
    for (let depth = 0; depth < 6; depth++) nested = jar([{ name: 'n.jar', content: nested }]);
    expect(inspect('opt/n.jar', nested).gaps).toEqual([expect.stringMatching(/^too-large: in "n\.jar!.*6th archive/)]);
    expect(inspect('opt/a.war', jar([{ name: 'x.jar', content: 'no zip' }])).gaps).toEqual([
      expect.stringMatching(/^damaged: in "x\.jar": it has no central directory/),
    ]);
  });

  it('are read as they pass by where they are too large to be in memory', () => {
    const large = jar([{ name: 'rest', content: randomBytes(33 * 1024 * 1024), stored: true }, pom('org.x', 'large', '1.0')]);
    const whole = jar([{ name: 'BOOT-INF/lib/large-1.0.jar', content: large, stored: true }, pom('org.x', 'app', '2.0'), filler]);
    const { packages, gaps } = inspect('opt/app.jar', whole);
    expect(gaps).toEqual([]);
    expect(packages.map(textOf)).toEqual(['org.x:app:2.0', 'org.x:large:1.0 in BOOT-INF/lib/large-1.0.jar']);
    const deflated = jar([{ name: 'BOOT-INF/lib/large-1.0.jar', content: large }, pom('org.x', 'app', '2.0'), filler]);
    expect(inspect('opt/app.jar', deflated).gaps).toEqual([expect.stringMatching(/^too-large: "BOOT-INF\/lib\/large-1\.0\.jar"/)]);
  });
});

describe('forms of zip', () => {
  const expected = ['org.x:a:1.0'];

  it('are read in every form that Java writes', () => {
    const entry = pom('org.x', 'a', '1.0');
    const fake: JarPart = { name: 'b', content: Buffer.from(`PK\x07\x08${'x'.repeat(12)}PK\x01\x02`), stored: true, later: true };
    for (const parts of [
      [
        { ...filler, later: true },
        { ...entry, later: true },
      ],
      [{ ...entry, stored: true }, filler],
      [fake, { ...entry, stored: true, later: true }],
    ] as const) {
      expect(textsOf('a-1.0.jar', jar(parts))).toEqual(expected);
      expect(textsOf('a-1.0.jar', jar(parts, { wide: true }))).toEqual(expected);
      expect(textsOf('a-1.0.jar', jar(parts, { prefix: '#!/bin/bash\nexec java -jar "$0"\n', comment: 'PK and so on' }))).toEqual(expected);
    }
  });

  it('are a gap where an entry of interest is encrypted or compressed in another way', () => {
    for (const part of [{ encrypted: true }, { method: 12 }]) {
      const archive = jar([{ ...pom('org.x', 'a', '1.0'), ...part }, manifest({})]);
      for (const { packages, gaps } of [inspect('a.jar', archive), stream('a.jar', archive)]) {
        expect(packages).toEqual([]);
        expect(gaps).toEqual([expect.stringMatching(/^unsupported: /)]);
      }
      expect(inspect('a.jar', jar([{ ...filler, ...part }, pom('org.x', 'a', '1.0')])).gaps).toEqual([]);
    }
  });

  it('are a gap where they pass by and entries and central directory disagree', () => {
    const [own, other] = [pom('org.x', 'a', '1.0'), pom('org.x', 'b', '1.0')];
    for (const archive of [jar([own, { ...other, only: 'local' }]), jar([own, { ...other, only: 'central' }])]) {
      expect(stream('a.jar', archive).gaps).toEqual([expect.stringMatching(/^damaged: its central directory/)]);
    }
    const renamed = jar([own, { name: 'a/unseen-', content: 'x' }]);
    renamed.write('b.jar', renamed.lastIndexOf('a/unseen-') + 4, 'latin1');
    expect(stream('a.jar', renamed).gaps).toEqual([expect.stringMatching(/^damaged: its central directory/)]);
  });

  it('are no bomb', () => {
    const bomb = jar([{ name: 'x.jar', content: Buffer.alloc(40 * 1024 * 1024) }]);
    expect(inspect('a.jar', bomb).gaps).toEqual([expect.stringMatching(/^too-large: "x\.jar"/)]);
    const many = Array.from({ length: 60 }, (_, at) => ({ name: `${at}.jar`, content: Buffer.alloc(30 * 1024 * 1024) }));
    const { gaps } = inspect('a.jar', jar(many));
    expect(gaps.some((text) => text.startsWith('too-large'))).toBe(true);
  });

  it('are not read without an end', () => {
    const entries = Array.from({ length: 60_000 }, (_, at) => ({ ...pom('g', `a${at}`, '1'), stored: true }));
    const { packages, gaps } = inspect('a.jar', jar(entries));
    expect(packages).toHaveLength(50_000);
    expect(gaps).toContain('too-large: it has more entries than are read of an archive');
  });

  it('are a gap wherever they are cut, and give no exception wherever they are changed', () => {
    const archive = jar([manifest({}), { ...filler, later: true }, { ...pom('org.x', 'a', '1.0'), later: true }]);
    for (let length = 1; length < archive.length; length += 3) {
      expect(inspect('a.jar', archive.subarray(0, length)).gaps, `${length}`).not.toEqual([]);
      expect(stream('a.jar', archive.subarray(0, length)).gaps, `${length}`).not.toEqual([]);
    }
    for (let at = 0; at < archive.length; at++) {
      const changed = Buffer.from(archive);
      changed[at] = 0xff - (archive[at] ?? 0);
      expect(() => [inspect('a.jar', changed), stream('a.jar', changed)]).not.toThrow();
    }
  });
});
