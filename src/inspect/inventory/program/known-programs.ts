/** A program that is known by its file name and states its version among its strings. */
export interface KnownProgram {
  readonly name: string;
  /** Of the last part of the path. */
  readonly file: RegExp;
  readonly versions: readonly VersionText[];
  /** Vendor and product in the names of the NVD (CPE 2.3). */
  readonly cpe: readonly [string, string];
  /** As the advisories of Bitnami name it, whose versions are the project's own; absent where they have none of it. */
  readonly bitnami?: string;
}

/** `anchor` is looked for at the speed of memory, and `pattern` around it; its first group is the version. */
export interface VersionText {
  readonly anchor: string;
  readonly pattern: RegExp;
}

function text(anchor: string, pattern: RegExp): VersionText {
  return { anchor, pattern };
}

/** Version, host and time of the build, 9 characters for the state of the sources (Redis' release.c). */
const redisBuild = /(?<!\d)(\d+\.\d+\.\d+?)(?:(?:[a-f\d]{12}|[a-z][\w.-]{0,62})-)?1\d{9}0{9}(?!\d)/;

/**
 * What is often installed by hand, from a project's own archive, or with `COPY --from`. File names and strings are those of syft's classifiers
 * (https://github.com/anchore/syft/blob/main/syft/pkg/cataloger/binary/classifiers.go) where it has them.
 */
export const knownPrograms: readonly KnownProgram[] = [
  {
    name: 'node',
    file: /^node$/,
    versions: [text('node.js/v', /node\.js\/v(\d+\.\d+\.\d+)/), text('node v', /\0node v(\d+\.\d+\.\d+)\0/)],
    cpe: ['nodejs', 'node.js'],
    bitnami: 'node',
  },
  {
    name: 'python',
    file: /^(?:lib)?python\d+\.\d+[a-z]?(?:\.so[\d.]*)?$/,
    versions: [text('\x003.', /\0(3\.\d+\.\d+(?:a|b|rc)?\d*\+?)\0/), text('\x002.7.', /\0(2\.7\.\d+\+?)\0/)],
    cpe: ['python', 'python'],
    bitnami: 'python',
  },
  {
    name: 'nginx',
    file: /^nginx$/,
    versions: [text('nginx version: nginx/', /nginx version: nginx\/(\d+\.\d+\.\d+)/)],
    cpe: ['f5', 'nginx'],
    bitnami: 'nginx',
  },
  {
    name: 'openssl',
    file: /^openssl$/,
    versions: [text('OpenSSL ', /OpenSSL (\d+\.\d+\.\d+(?:[a-z]+|-(?:alpha|beta|rc)\d+)?)[ \0]/)],
    cpe: ['openssl', 'openssl'],
  },
  {
    // In its own image the file is `[`, the first of its names, and `busybox` a hard link to that.
    name: 'busybox',
    file: /^(?:busybox(?:\.static)?|\[)$/,
    versions: [text('BusyBox v', /BusyBox v(\d+\.\d+\.\d+)/)],
    cpe: ['busybox', 'busybox'],
  },
  {
    name: 'redis',
    file: /^redis-server$/,
    versions: [text('000000000', redisBuild), text('Redis version ', /Redis version (\d+\.\d+\.\d+)/)],
    cpe: ['redis', 'redis'],
    bitnami: 'redis',
  },
  {
    name: 'valkey',
    file: /^valkey-server$/,
    versions: [text('000000000', redisBuild)],
    cpe: ['lfprojects', 'valkey'],
    bitnami: 'valkey',
  },
  {
    name: 'postgresql',
    file: /^postgres$/,
    versions: [text('PostgreSQL ', /[\0?]PostgreSQL (\d+(?:\.\d+){1,2}|\d+(?:alpha|beta|rc)\d+)/)],
    cpe: ['postgresql', 'postgresql'],
    bitnami: 'postgresql',
  },
  {
    name: 'mariadb',
    file: /^(?:mariadbd?|mysqld?)$/,
    versions: [text('-MariaDB', /(\d+\.\d+\.\d+)-MariaDB/), text('/mariadb-', /\/mariadb-(\d+\.\d+\.\d+)-/)],
    cpe: ['mariadb', 'mariadb'],
    bitnami: 'mariadb',
  },
  {
    name: 'mysql',
    file: /^mysqld?$/,
    versions: [text('/mysql-', /\/mysql-(\d+\.\d+\.\d+)/)],
    cpe: ['oracle', 'mysql'],
  },
  {
    name: 'mongodb',
    file: /^mongod$/,
    versions: [
      text('tcmalloc', /(\d+\.\d+\.\d+)\0tcmalloc/),
      text('heap_size', /(\d+\.\d+\.\d+)\0+heap_size/),
      text('cppdefines', /(\d+\.\d+\.\d+)\0+cppdefines/),
    ],
    cpe: ['mongodb', 'mongodb'],
    bitnami: 'mongodb',
  },
  {
    name: 'memcached',
    file: /^memcached$/,
    versions: [text('memcached ', /memcached (\d+\.\d+\.\d+)/)],
    cpe: ['memcached', 'memcached'],
    bitnami: 'memcached',
  },
  {
    name: 'php',
    file: /^(?:php(?:-fpm|-cgi|-cli)?[\d.]*|libphp[\w.]*\.so)$/,
    versions: [text('X-Powered-By: PHP/', /X-Powered-By: PHP\/(\d+\.\d+\.\d+(?:(?:alpha|beta|RC)\d+)?)/)],
    cpe: ['php', 'php'],
    bitnami: 'php',
  },
  {
    name: 'ruby',
    file: /^(?:ruby[\d.]*|libruby[\w.-]*\.so[\d.]*)$/,
    versions: [text('ruby ', /ruby (\d+\.\d+\.\d+(?:(?:p|preview|rc)\d+|dev)?) \(\d{4}-/)],
    cpe: ['ruby-lang', 'ruby'],
    bitnami: 'ruby',
  },
  {
    name: 'perl',
    file: /^perl[\d.]*$/,
    versions: [text('/lib/perl5/', /\/lib\/perl5\/(?:site_perl\/)?(5\.\d+\.\d+)/)],
    cpe: ['perl', 'perl'],
  },
  {
    name: 'httpd',
    file: /^(?:httpd|apache2)$/,
    versions: [text('Apache/', /Apache\/(\d+\.\d+\.\d+)/)],
    cpe: ['apache', 'http_server'],
    bitnami: 'apache',
  },
  {
    name: 'haproxy',
    file: /^haproxy$/,
    versions: [
      text('released 20', /version (\d+\.\d+(?:\.|-dev|-rc)\d+)[\w.+~-]{0,40}, released 20/),
      text('HA-Proxy version ', /HA-Proxy version (\d+\.\d+(?:\.|-dev)\d+)/),
    ],
    cpe: ['haproxy', 'haproxy'],
    bitnami: 'haproxy',
  },
  {
    name: 'erlang',
    file: /^(?:erlexec|beam\.smp)$/,
    versions: [text('/otp', /\/src\/otp(?:_src_|-)(\d+\.\d+(?:\.\d+){0,2}(?:-rc\d)?)\/erts\//)],
    cpe: ['erlang', 'erlang\\/otp'],
  },
  {
    name: 'rust',
    file: /^libstd-[\da-f]{16}\.so$/,
    versions: [text('(rustc version ', /\(rustc version (\d+\.\d+\.\d+) \(/)],
    cpe: ['rust-lang', 'rust'],
  },
  { name: 'deno', file: /^deno$/, versions: [text('Deno/', /Deno\/(\d+\.\d+\.\d+)/)], cpe: ['deno', 'deno'] },
  {
    name: 'bun',
    file: /^bun$/,
    versions: [text('un v', /[Bb]un v(\d+\.\d+\.\d+)/), text('bun-', /bun-(\d+\.\d+\.\d+)/)],
    cpe: ['bun', 'bun'],
  },
  { name: 'bash', file: /^bash$/, versions: [text('Bash version ', /Bash version (\d+\.\d+\.\d+)/)], cpe: ['gnu', 'bash'] },
  { name: 'curl', file: /^curl$/, versions: [text('curl/', /curl\/(\d+\.\d+\.\d+)/)], cpe: ['haxx', 'curl'] },
  {
    name: 'consul',
    file: /^consul$/,
    versions: [text('CONSUL_VERSION: ', /CONSUL_VERSION: (\d+\.\d+\.\d+)/)],
    cpe: ['hashicorp', 'consul'],
    bitnami: 'consul',
  },
];
