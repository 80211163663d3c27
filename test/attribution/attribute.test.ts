import { describe, expect, it } from 'vitest';
import { attribute } from '../../src/attribution/attribute.ts';
import type { Finding } from '../../src/model/finding.ts';
import type { HistoryEntry } from '../../src/model/image.ts';

/** `-` before an entry: it made no layer. */
function toHistory(lines: readonly string[]): HistoryEntry[] {
  return lines.map((line) => ({ createdBy: line.replace(/^- /, ''), emptyLayer: line.startsWith('- ') }));
}

/** A secret in each layer, so that every layer's attribution can be seen. */
function secretIn(layer: number | undefined, title = 'A secret'): Finding {
  return {
    kind: 'secret',
    fingerprint: `f${layer}`,
    severity: 'high',
    title,
    remedy: '',
    path: layer === undefined ? undefined : 'x',
    layer,
    platforms: ['linux/amd64'],
    rule: 'r',
    preview: 'x…',
    line: undefined,
    deletedLater: false,
  };
}

const root: Finding = {
  kind: 'misconfiguration',
  fingerprint: 'root',
  severity: 'low',
  title: 'The image runs as root',
  remedy: '',
  path: undefined,
  layer: undefined,
  platforms: ['linux/amd64'],
  rule: 'runs-as-root',
};

function locate(history: readonly HistoryEntry[], dockerfile: string | undefined, more: readonly Finding[] = []) {
  const layers = history.filter(({ emptyLayer }) => !emptyLayer).length;
  const findings = [...Array.from({ length: layers }, (_, layer) => secretIn(layer)), ...more];
  const context = {
    images: [{ platform: 'linux/amd64', history, layers }],
    dockerfile: dockerfile === undefined ? undefined : { path: 'app/Dockerfile', text: dockerfile },
  };
  return attribute(findings, context).map(({ attribution }) => attribution);
}

function linesOf(history: readonly HistoryEntry[], dockerfile: string, more: readonly Finding[] = []) {
  return locate(history, dockerfile, more).map((attribution) => attribution?.line);
}

const shopDockerfile = `FROM debian:bookworm
LABEL org.opencontainers.image.base.name="docker.io/library/debian:bookworm"
COPY jars /opt/jars
COPY node/package.json node/package-lock.json /srv/shop/
COPY node/node_modules /srv/shop/node_modules
COPY wheels /wheels
COPY secrets/app.env /srv/shop/.env
ENV API_TOKEN=ghp_5paix2MPrn0OxjWzX97tcisfTd61OLujtIZU
RUN rm -rf /wheels
CMD ["/usr/local/bin/crane"]
`;

/** As Docker 20.10's classic builder writes it. */
const shopHistory = toHistory([
  '',
  '- /bin/sh -c #(nop)  LABEL org.opencontainers.image.base.name=docker.io/library/debian:bookworm',
  '/bin/sh -c #(nop) COPY dir:3107ef5677e4a7930357284704ffac27f4a2279a227f27edab49c5f2cbb4e85b in /opt/jars ',
  '/bin/sh -c #(nop) COPY multi:0e0edb6d05efd26051f62a58dd921916175bfa860dc5f9181ac4284f8ed8aa4e in /srv/shop/ ',
  '/bin/sh -c #(nop) COPY dir:b64043f7bc594fb6c9b7a03a28b4df48e6f4550a1dc47d2e8283d02dc67b4ca1 in /srv/shop/node_modules ',
  '/bin/sh -c #(nop) COPY dir:fe2aa20226161899044a42684f3d7bfa4944eafed66dc0395079ad67753bc0f0 in /wheels ',
  '/bin/sh -c #(nop) COPY file:681d7d943b5c06145fe2f0748382e20430770edbdc76530c4fb49d3c7e250c89 in /srv/shop/.env ',
  '- /bin/sh -c #(nop)  ENV API_TOKEN=ghp_5paix2MPrn0OxjWzX97tcisfTd61OLujtIZU',
  '/bin/sh -c rm -rf /wheels',
  '- /bin/sh -c #(nop)  CMD ["/usr/local/bin/crane"]',
]);

describe("Docker's classic builder", () => {
  it('puts every layer on its line, and what the base image holds on FROM', () => {
    expect(linesOf(shopHistory, shopDockerfile)).toEqual([1, 3, 4, 5, 6, 7, 9]);
    expect(locate(shopHistory, shopDockerfile)[5]).toEqual({
      instruction: 'COPY secrets/app.env /srv/shop/.env',
      file: 'app/Dockerfile',
      line: 7,
    });
    expect(locate(shopHistory, shopDockerfile)[0]).toEqual({ instruction: 'FROM debian:bookworm', file: 'app/Dockerfile', line: 1 });
  });

  it('puts a secret of the environment on its ENV line, without its value', () => {
    const [attribution] = locate(shopHistory, shopDockerfile, [
      secretIn(undefined, 'GitHub token in the environment variable API_TOKEN'),
    ]).slice(-1);
    expect(attribution).toEqual({ instruction: 'ENV API_TOKEN=…', file: 'app/Dockerfile', line: 8 });
  });

  it('puts a missing user on FROM, one that is root on its USER line', () => {
    expect(linesOf(shopHistory, shopDockerfile, [root]).at(-1)).toBe(1);
    const history = toHistory(['base', '- /bin/sh -c #(nop)  USER app', '/bin/sh -c make', '- /bin/sh -c #(nop)  USER root']);
    expect(linesOf(history, 'FROM x\nUSER app\nRUN make\nUSER root\n', [root]).at(-1)).toBe(4);
  });

  it('knows commands with build arguments, other shells and none', () => {
    const dockerfile =
      'FROM x\nARG TOKEN\nARG B=1\nRUN make all\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN a | b\nRUN ["/bin/true", "x y"]\n';
    const history = toHistory([
      '/bin/sh -c #(nop) ADD file:aa in / ',
      '- /bin/sh -c #(nop)  ARG TOKEN',
      '- /bin/sh -c #(nop)  ARG B=1',
      '|2 B=1 TOKEN=hunter2 with blanks /bin/sh -c make all',
      '- /bin/sh -c #(nop)  SHELL [/bin/bash -o pipefail -c]',
      '|2 B=1 TOKEN=hunter2 with blanks /bin/bash -o pipefail -c a | b',
      '/bin/true x y',
    ]);
    expect(linesOf(history, dockerfile)).toEqual([1, 4, 6, 7]);
    expect(JSON.stringify(locate(history, undefined))).not.toContain('hunter2');
  });
});

describe('BuildKit', () => {
  const dockerfile = `# syntax=docker/dockerfile:1
ARG BASE=node:20
FROM \${BASE} AS build
WORKDIR /src
COPY . .
RUN npm ci \\
    # a comment within
    && npm run build

FROM node:20-slim
ARG PORT=8080
ENV NODE_ENV=production PORT=$PORT
WORKDIR /app
COPY --from=build --chown=node:node /src/dist ./dist
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev
RUN <<EOF
set -e
echo one
EOF
RUN <<PY python3
print(1)
PY
COPY <<CONF /etc/app.conf
a=b
CONF
EXPOSE $PORT 9090/udp
HEALTHCHECK --interval=5m CMD curl -f http://localhost/ || exit 1
VOLUME ["/data"]
USER node
ENTRYPOINT ["node", "dist/index.js"]
`;
  /** As dockerfile2llb's convert.go and convert_copy.go write it. */
  const history = toHistory([
    '/bin/sh -c #(nop) ADD file:bb in / ',
    '- /bin/sh -c #(nop)  CMD ["bash"]',
    'RUN /bin/sh -c groupadd --gid 1000 node # buildkit',
    '- ENV NODE_VERSION=20.1.0',
    'RUN /bin/sh -c install-node # buildkit',
    '- ARG PORT=3000',
    '- ENV NODE_ENV=production PORT=3000',
    'WORKDIR /app',
    'COPY --chown=node:node /src/dist ./dist # buildkit',
    'COPY package.json package-lock.json ./ # buildkit',
    'RUN |1 PORT=3000 /bin/sh -c npm ci --omit=dev # buildkit',
    'RUN |1 PORT=3000 /bin/sh -c set -e\necho one\n # buildkit',
    'RUN |1 PORT=3000 /bin/sh -c <<PY python3\nprint(1)\nPY # buildkit',
    'COPY <<CONF /etc/app.conf # buildkit',
    '- EXPOSE map[3000/tcp:{} 9090/udp:{}]',
    '- HEALTHCHECK &{["CMD-SHELL" "curl -f http://localhost/ || exit 1"] "5m0s" "0s" "0s" "0s" \'\\x00\'}',
    '- VOLUME [/data]',
    '- USER node',
    '- ENTRYPOINT ["node" "dist/index.js"]',
  ]);

  it('puts every layer on its line', () => {
    expect(linesOf(history, dockerfile)).toEqual([10, 10, 10, 13, 14, 15, 16, 17, 21, 24]);
  });

  it('follows stages that rest on each other, and the one that was asked for', () => {
    const staged = 'FROM alpine AS base\nRUN apk add curl\nFROM base AS test\nRUN npm test\nFROM base\nCOPY app /app\n';
    expect(linesOf(toHistory(['ADD x', 'RUN /bin/sh -c apk add curl # buildkit', 'COPY app /app # buildkit']), staged)).toEqual([1, 2, 6]);
    expect(linesOf(toHistory(['ADD x', 'RUN /bin/sh -c apk add curl # buildkit', 'RUN /bin/sh -c npm test # buildkit']), staged)).toEqual([
      1, 2, 4,
    ]);
  });

  it('puts what a base image triggers (ONBUILD) on FROM', () => {
    const triggered = toHistory([
      'ADD x',
      'COPY . /usr/src # buildkit',
      'RUN /bin/sh -c npm install # buildkit',
      'RUN /bin/sh -c make # buildkit',
    ]);
    expect(linesOf(triggered, 'FROM node:onbuild\nRUN make\n')).toEqual([1, 1, 1, 2]);
  });

  it('tells equal commands apart by their order', () => {
    const twice = toHistory([
      'ADD x',
      'RUN /bin/sh -c apt update # buildkit',
      'COPY a /a # buildkit',
      'RUN /bin/sh -c apt update # buildkit',
    ]);
    expect(linesOf(twice, 'FROM x\nRUN apt update\nCOPY a /a\nRUN apt update\n')).toEqual([1, 2, 3, 4]);
    // The base image ran the same command once more.
    const thrice = toHistory(['ADD x', 'RUN /bin/sh -c apt update # buildkit', 'RUN /bin/sh -c apt update # buildkit']);
    expect(linesOf(thrice, 'FROM x\nRUN apt update\n')).toEqual([1, 1, 2]);
  });
});

describe('what is not sure', () => {
  it("gets no line from another image's Dockerfile", () => {
    const other = 'FROM python:3\nCOPY requirements.txt /r.txt\nRUN pip install -r /r.txt\nCOPY . /app\n';
    expect(linesOf(shopHistory, other)).toEqual([undefined, undefined, undefined, undefined, undefined, undefined, undefined]);
    expect(locate(shopHistory, other)[6]).toEqual({ instruction: 'RUN rm -rf /wheels' });
  });

  it('gets no line where one line was edited since', () => {
    const edited = shopDockerfile.replace('COPY jars /opt/jars', 'COPY libraries /usr/lib/java');
    expect(linesOf(shopHistory, edited)).toEqual([1, undefined, 4, 5, 6, 7, 9]);
  });

  it('gets nothing where the history does not fit the layers', () => {
    const context = {
      images: [{ platform: 'linux/amd64', history: shopHistory, layers: 1 }],
      dockerfile: { path: 'Dockerfile', text: shopDockerfile },
    };
    expect(attribute([secretIn(0)], context)[0]?.attribution).toBeUndefined();
  });

  it('gets the instruction alone where there is no Dockerfile', () => {
    expect(locate(shopHistory, undefined).map((it) => it?.instruction)).toEqual([
      undefined,
      'COPY dir:3107ef5677e4a7930357284704ffac27f4a2279a227f27edab49c5f2cbb4e85b in /opt/jars',
      'COPY multi:0e0edb6d05efd26051f62a58dd921916175bfa860dc5f9181ac4284f8ed8aa4e in /srv/shop/',
      'COPY dir:b64043f7bc594fb6c9b7a03a28b4df48e6f4550a1dc47d2e8283d02dc67b4ca1 in /srv/shop/node_modules',
      'COPY dir:fe2aa20226161899044a42684f3d7bfa4944eafed66dc0395079ad67753bc0f0 in /wheels',
      'COPY file:681d7d943b5c06145fe2f0748382e20430770edbdc76530c4fb49d3c7e250c89 in /srv/shop/.env',
      'RUN rm -rf /wheels',
    ]);
  });

  it.each([
    '',
    'nonsense',
    'FROM',
    'FROM x AS',
    '\\\n\\\n',
    'RUN make',
    'FROM x\nRUN <<EOF\nnever ends',
    '\u0000',
    'FROM x\nONBUILD',
    'ARG A=$A\nFROM $A',
  ])('survives the Dockerfile %j', (text) => {
    expect(() => locate(shopHistory, text)).not.toThrow();
  });

  it('comes to an end with hostile files and histories', () => {
    const long = `FROM x\n${'RUN '.repeat(60_000)}`;
    const many = `FROM x\n${'RUN a $B c\n'.repeat(399)}`;
    const history = toHistory(['ADD x', ...Array.from({ length: 3000 }, () => `|1 A=b ${'/bin/sh -c a '.repeat(100)}`)]);
    for (const text of [long, many, '${A:-'.repeat(50_000), 'FROM a AS a\n'.repeat(399)]) locate(history, text);
  });
});
