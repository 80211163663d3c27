import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shared } from './peers.ts';

export type Pair = readonly [a: string, b: string];
/** `<`, `=`, `>`, or `!` where the program refuses one of the two. */
export type Answer = '<' | '=' | '>' | '!';
/** Asks the program that knows best: one process for all pairs. */
export type Oracle = (pairs: readonly Pair[]) => Answer[];

const folder = mkdtempSync(join(tmpdir(), 'version-oracles-'));

export function removeOracles(): void {
  rmSync(folder, { recursive: true });
}

/** dpkg's own code, from libdpkg: `dpkg --compare-versions` takes one pair a process. */
export const dpkg = program('dpkg-oracle', (path) => {
  install('/usr/include/dpkg/version.h', 'libdpkg-dev');
  write('dpkg.c', dpkgSource);
  const flags = run('pkg-config', ['--cflags', '--libs', '--static', 'libdpkg']).trim().split(/\s+/);
  run('gcc', ['-o', path, join(folder, 'dpkg.c'), ...flags]);
  return [path];
});

/** The libapk of an Alpine image, with its C library: `apk version -t` takes one pair a process. */
export const apk = program('apk-oracle', (path) => {
  const archive = shared('testdata/images/containerd-archives/alpine.tar');
  const [manifest] = JSON.parse(run('tar', ['-xOf', archive, 'manifest.json']));
  run('sh', ['-c', 'tar -xOf "$1" "$2" | tar -xz -C "$3" sbin/apk lib', 'sh', archive, manifest.Layers[0], folder]);
  write('apk.c', apkSource);
  const libraries = ['-L', join(folder, 'lib'), '-l:libapk.so.3.12.0', '-l:libc.musl-x86_64.so.1', '-Wl,--allow-shlib-undefined'];
  const loader = [`-Wl,--dynamic-linker=${join(folder, 'lib/ld-musl-x86_64.so.1')}`, `-Wl,-rpath,${join(folder, 'lib')}`];
  const bare = ['-O1', '-fno-stack-protector', '-nostartfiles', '-nostdlib'];
  run('gcc', [...bare, '-o', path, join(folder, 'apk.c'), '-Wl,--no-as-needed', ...libraries, ...loader]);
  return [path];
});

/** rpm's own order, as its Lua has it. */
export const rpm = program('rpm', () => {
  install('/usr/bin/rpmlua', 'rpm');
  return ['rpmlua', '-e', rpmSource];
});

export const python = program('python', () => ['python3', '-c', pythonSource]);

export const ruby = program('ruby', () => {
  install('/usr/bin/ruby', 'ruby');
  return ['ruby', '-e', rubySource];
});

export const composer = program('composer', () => {
  install('/usr/share/php/Composer/Semver/VersionParser.php', 'php-cli', 'php-composer-semver');
  return ['php', '-r', phpSource];
});

/** Maven's own class, from Maven Central. */
export const maven = program('maven', () => {
  install('/usr/bin/java', 'openjdk-17-jdk-headless');
  const jar = join(folder, 'maven-artifact.jar');
  const url = 'https://repo.maven.apache.org/maven2/org/apache/maven/maven-artifact/3.9.11/maven-artifact-3.9.11.jar';
  run('curl', ['-fsSL', '--retry', '3', '-o', jar, url]);
  return ['java', '-cp', jar, write('Oracle.java', javaSource)];
});

/** NuGet.Versioning as it lies in nuget.exe, which an npm package carries, on Mono. */
export const nuget = program('nuget', () => {
  install('/usr/bin/mcs', 'mono-runtime', 'mono-mcs');
  run('npm', ['pack', '--silent', 'nuget-exe@5.8.0']);
  run('tar', ['-xzf', 'nuget-exe-5.8.0.tgz', '--transform', 's,.*/nuget-5.8.0.exe,NuGet.exe,', 'package/nuget-5.8.0.exe']);
  run('mcs', ['-r:NuGet.exe', write('oracle.cs', csharpSource)]);
  return ['mono', join(folder, 'oracle.exe')];
});

/** golang.org/x/mod/semver, which Go's own commands order module versions with. */
export const golang = program('golang', (path) =>
  buildGo(path, goSource('semver', 'golang.org/x/mod/semver', '"v" + strings.TrimPrefix(text, "v")')),
);

/** go/version, which orders releases of Go. */
export const toolchain = program('toolchain', (path) => buildGo(path, goSource('version', 'go/version', 'text')));

/** The crate `semver`, which Cargo reads versions with. */
export const cargo = program('cargo', () => {
  const manifest =
    '[package]\nname="oracle"\nversion="0.1.0"\nedition="2021"\n[[bin]]\nname="oracle"\npath="oracle.rs"\n[dependencies]\nsemver="1"\n';
  write('Cargo.toml', manifest);
  write('oracle.rs', rustSource);
  run('cargo', ['build', '--quiet', '--manifest-path', join(folder, 'Cargo.toml'), '--target-dir', join(folder, 'target')]);
  return [join(folder, 'target/debug/oracle')];
});

/** Pairs with their answers, by file, which osv-scalibr's own version orders are tested with. */
export function scalibrPairs(name: string): (readonly [a: string, answer: Answer, b: string])[] {
  const module = 'github.com/google/osv-scalibr@v0.4.6-0.20260727075515-eb1ca153f805';
  const { Dir } = JSON.parse(run('go', ['mod', 'download', '-json', module]));
  return [`${name}-versions.txt`, `${name}-versions-generated.txt`]
    .map((file) => join(Dir, 'semantic/testdata', file))
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => {
      const [, a = '', answer = '', b = ''] = /^(\S+) ([<=>]) (\S+)$/.exec(line) ?? [];
      return answer === '' ? [] : [[a, answer as Answer, b] as const];
    });
}

function program(name: string, prepare: (path: string) => readonly string[]): Oracle {
  let prepared: readonly string[] | undefined;
  return (pairs) => {
    prepared ??= prepare(join(folder, name));
    const [command = '', ...args] = prepared;
    const input = pairs.map((pair) => `${pair.join(' ')}\n`).join('');
    const { stdout, stderr, status } = spawnSync(command, args, { input, cwd: folder, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
    return stdout.trimEnd().split('\n') as Answer[];
  };
}

function install(file: string, ...packages: readonly string[]): void {
  if (existsSync(file)) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'pipe', env });
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { stdio: 'pipe', env });
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { cwd: folder, stdio: 'pipe', maxBuffer: 64 * 1024 * 1024 }).toString();
}

function buildGo(path: string, source: string): readonly string[] {
  const work = mkdtempSync(join(folder, 'go-'));
  writeFileSync(join(work, 'go.mod'), 'module oracle\n\ngo 1.23\n\nrequire golang.org/x/mod v0.29.0\n');
  writeFileSync(join(work, 'main.go'), source);
  execFileSync('go', ['build', '-mod=mod', '-o', path, '.'], { cwd: work, stdio: 'pipe' });
  return [path];
}

const rpmSource = `
for line in io.lines() do
  local a, b = line:match("^(%S+) (%S+)$")
  local known, order = pcall(rpm.vercmp, a, b)
  print(not known and "!" or order < 0 and "<" or order > 0 and ">" or "=")
end
`;

const dpkgSource = `#define LIBDPKG_VOLATILE_API 1
#include <dpkg/dpkg.h>
#include <dpkg/dpkg-db.h>
#include <stdio.h>
#include <string.h>
static int refused(struct dpkg_version *version, const char *text) {
  struct dpkg_error error = DPKG_ERROR_INIT;
  return parseversion(version, text, &error) < 0 && error.type != DPKG_MSG_WARN;
}
int main(void) {
  static char line[65536];
  while (fgets(line, sizeof line, stdin)) {
    struct dpkg_version a, b;
    char *second = strchr(line, ' ');
    line[strcspn(line, "\\n")] = 0;
    *second++ = 0;
    if (refused(&a, line) | refused(&b, second)) { puts("!"); continue; }
    int difference = dpkg_version_compare(&a, &b);
    puts(difference < 0 ? "<" : difference > 0 ? ">" : "=");
  }
}
`;

const apkSource = `typedef struct { long length; char *text; } blob;
int apk_version_compare_blob(blob, blob);
int getchar(void), puts(const char *);
void exit(int);
static char line[65536];
__attribute__((force_align_arg_pointer)) void _start(void) {
  for (int c = 0; c >= 0;) {
    int end = 0, space = 0;
    while ((c = getchar()) >= 0 && c != '\\n') { if (c == ' ') space = end; line[end++] = c; }
    if (c < 0) exit(0);
    int result = apk_version_compare_blob((blob){ space, line }, (blob){ end - space - 1, line + space + 1 });
    puts(result == 1 ? "=" : result == 2 ? "<" : result == 4 ? ">" : "!");
  }
}
`;

const pythonSource = `
import sys
try: from packaging.version import Version, InvalidVersion
except ImportError: from pip._vendor.packaging.version import Version, InvalidVersion
for line in sys.stdin:
    try: a, b = map(Version, line.rstrip("\\n").split(" "))
    except InvalidVersion: print("!"); continue
    print("<" if a < b else ">" if a > b else "=")
`;

const rubySource = `STDIN.each_line(chomp: true) do |line|
  a, b = line.split(" ")
  if Gem::Version.correct?(a) && Gem::Version.correct?(b)
    puts({ -1 => "<", 0 => "=", 1 => ">" }[Gem::Version.new(a) <=> Gem::Version.new(b)])
  else
    puts "!"
  end
end
`;

const phpSource = `require '/usr/share/php/Composer/Semver/VersionParser.php';
$parser = new Composer\\Semver\\VersionParser();
while (($line = fgets(STDIN)) !== false) {
  try {
    [$a, $b] = array_map([$parser, 'normalize'], explode(' ', rtrim($line, "\\n")));
    // Composer never orders branches.
    if (str_starts_with($a, 'dev-') || str_starts_with($b, 'dev-')) echo "!\\n";
    else echo ['<', '=', '>'][version_compare($a, $b) + 1], "\\n";
  } catch (UnexpectedValueException $e) { echo "!\\n"; }
}
`;

const javaSource = `import java.io.*;
import org.apache.maven.artifact.versioning.ComparableVersion;
class Oracle {
  public static void main(String[] args) throws IOException {
    var input = new BufferedReader(new InputStreamReader(System.in));
    var output = new StringBuilder();
    for (String line; (line = input.readLine()) != null; ) {
      var pair = line.split(" ");
      int difference = new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]));
      output.append(difference < 0 ? "<\\n" : difference > 0 ? ">\\n" : "=\\n");
    }
    System.out.print(output);
  }
}
`;

const csharpSource = `using System;
using NuGet.Versioning;
class Oracle {
  static void Main() {
    for (string line; (line = Console.In.ReadLine()) != null; ) {
      var pair = line.Split(' ');
      NuGetVersion a, b;
      if (!NuGetVersion.TryParse(pair[0], out a) || !NuGetVersion.TryParse(pair[1], out b)) { Console.WriteLine("!"); continue; }
      var difference = VersionComparer.Default.Compare(a, b);
      Console.WriteLine(difference < 0 ? "<" : difference > 0 ? ">" : "=");
    }
  }
}
`;

const rustSource = `use std::io::{stdin, BufRead};
fn main() {
    for line in stdin().lock().lines().map_while(Result::ok) {
        let (a, b) = line.split_once(' ').unwrap();
        let answer = match (semver::Version::parse(a), semver::Version::parse(b)) {
            (Ok(a), Ok(b)) => ["<", "=", ">"][(a.cmp_precedence(&b) as i8 + 1) as usize],
            _ => "!",
        };
        println!("{answer}");
    }
}
`;

function goSource(name: string, path: string, text: string): string {
  return `package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"${path}"
)

func full(text string) string { return ${text} }

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		a, b, _ := strings.Cut(lines.Text(), " ")
		if !${name}.IsValid(full(a)) || !${name}.IsValid(full(b)) {
			fmt.Println("!")
			continue
		}
		fmt.Println([]string{"<", "=", ">"}[${name}.Compare(full(a), full(b))+1])
	}
}
`;
}
