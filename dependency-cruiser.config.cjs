const stages = 'layer|registry|inspect|advisory|policy|azure|sign|evidence|attribution|report|scanner|deployment';
const own = '^src/([^/]+)/';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'model-imports-nothing', severity: 'error', from: { path: '^src/model/' }, to: { pathNot: '^src/model/' } },
    {
      name: 'lib-imports-nothing-of-the-project',
      severity: 'error',
      from: { path: '^src/lib/' },
      to: { path: '^src/', pathNot: '^src/lib/' },
    },
    {
      name: 'stages-import-only-model-and-lib',
      comment: 'inspect may also import layer/inspector.ts',
      severity: 'error',
      from: { path: `^src/(${stages})/` },
      to: { path: '^src/', pathNot: ['^src/(model|lib)/', '^src/$1/', '^src/layer/inspector\\.ts$'] },
    },
    {
      name: 'source-imports-only-model-lib-and-registry',
      severity: 'error',
      from: { path: '^src/source/' },
      to: { path: '^src/', pathNot: '^src/(model|lib|source|registry)/' },
    },
    {
      name: 'reading-imports-only-model-lib-layer-inspect-and-source',
      severity: 'error',
      from: { path: '^src/reading/' },
      to: { path: '^src/', pathNot: '^src/(model|lib|layer|inspect|source|reading)/' },
    },
    {
      name: 'threads-that-parse-images-reach-no-credential',
      comment: 'neither what holds credentials, nor a network or a process that they could be sent to',
      severity: 'error',
      from: { path: '^src/(reading|layer|inspect)/[^/]+-worker\\.ts$|^src/lib/zstd-worker\\.ts$' },
      to: {
        path: [
          '^src/(azure|registry|sign|host|command|main|inputs|advisory|evidence|report|sandbox)/',
          '^src/lib/(http|proxy|secret-value|no-proxy|certificate-chain)',
          '^node_modules/@(azure|actions)/',
          '^(node:)?(net|tls|http|https|http2|dgram|dns|child_process|cluster|inspector)$',
        ],
        reachable: true,
      },
    },
    {
      name: 'only-inspect-sees-the-inspector-interface',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(inspect|layer|command|reading)/' },
      to: { path: '^src/layer/inspector\\.ts$' },
    },
    {
      name: 'hosts-import-only-model-and-lib',
      severity: 'error',
      from: { path: '^src/host/' },
      to: { path: '^src/', pathNot: '^src/(model|lib|host)/' },
    },
    {
      name: 'hosts-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/host/(github|azure-pipelines|shell)/' },
      to: { path: '^src/host/(github|azure-pipelines|shell)/', pathNot: '^src/host/$1/' },
    },
    {
      name: 'inputs-import-only-model-and-lib',
      severity: 'error',
      from: { path: '^src/inputs/' },
      to: { path: '^src/', pathNot: '^src/(model|lib|inputs)/' },
    },
    {
      name: 'sandbox-imports-only-model-and-lib',
      severity: 'error',
      from: { path: '^src/sandbox/' },
      to: { path: '^src/', pathNot: '^src/(model|lib|sandbox)/' },
    },
    {
      name: 'only-main-imports-commands',
      severity: 'error',
      from: { path: own, pathNot: '^src/(main|command)/' },
      to: { path: '^src/(main|command)/' },
    },
    {
      name: 'only-azure-imports-the-azure-sdk',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/azure/' },
      to: { path: 'node_modules/@azure/' },
    },
    {
      name: 'only-the-github-host-imports-its-sdk',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/host/github/' },
      to: { path: 'node_modules/@actions/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
