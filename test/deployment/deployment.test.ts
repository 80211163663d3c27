import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../src/deployment/deployment.ts';
import { type Pin, pinText } from '../../src/deployment/pin.ts';
import type { DeploymentFile } from '../../src/deployment/used-image.ts';
import { findImages } from './found.ts';

const digest = `sha256:${'ab'.repeat(32)}`;

function find(text: string, path = 'deploy.yaml'): Deployment {
  return findImages({ [path]: text });
}

function references({ images }: Deployment): readonly string[] {
  return images.map(({ reference }) => reference);
}

/** All that can be pinned, in the text of a file. */
function pinAll(file: DeploymentFile, found: Deployment): string {
  const pins = found.images.flatMap(({ pin }): readonly Pin[] => (pin.kind === 'insertion' ? [{ place: pin, digest }] : []));
  return pinText(file.text, pins);
}

const pod = (indent: string, image = 'registry.example.com/app:1'): string =>
  ['containers:', '- name: app', `  image: ${image}`].map((line) => `${indent}${line}\n`).join('');

describe('Kubernetes', () => {
  it.each([
    ['v1', 'Pod', `spec:\n${pod('  ')}`],
    ['v1', 'PodTemplate', `template:\n  spec:\n${pod('    ')}`],
    ['v1', 'ReplicationController', `spec:\n  template:\n    spec:\n${pod('      ')}`],
    ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map((kind) => [
      'apps/v1',
      kind,
      `spec:\n  template:\n    spec:\n${pod('      ')}`,
    ]),
    ['batch/v1', 'Job', `spec:\n  template:\n    spec:\n${pod('      ')}`],
    ['batch/v1', 'CronJob', `spec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n${pod('          ')}`],
    ['serving.knative.dev/v1', 'Service', `spec:\n  template:\n    spec:\n${pod('      ')}`],
    ['argoproj.io/v1alpha1', 'Rollout', `spec:\n  template:\n    spec:\n${pod('      ')}`],
    ['example.com/v7', 'NobodyKnowsIt', `spec:\n  deep:\n  - pods:\n      any:\n${pod('        ')}`],
  ])('finds the pod of %s %s', (apiVersion, kind, rest) => {
    const text = `# first line\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: web\n${rest}`;
    const found = find(text);
    expect(references(found)).toEqual(['registry.example.com/app:1']);
    const [image] = found.images;
    expect(image?.user).toBe(`${kind} web, container app`);
    expect(text.split('\n')[(image?.line ?? 0) - 1]?.slice((image?.column ?? 0) - 1)).toBe('registry.example.com/app:1');
    expect(found.remarks).toEqual([]);
  });

  it('finds init containers, ephemeral containers and image volumes', () => {
    const found = find(`apiVersion: v1
kind: Pod
metadata: {generateName: job-}
spec:
  initContainers: [{name: a, image: init:1}]
  containers:
    - image: "main:1"
  ephemeralContainers:
    - {name: debug, image: 'debug:1'}
  volumes:
    - name: model
      image: {reference: model:1, pullPolicy: Always}
    - name: other
      emptyDir: {}
`);
    expect(references(found)).toEqual(['init:1', 'main:1', 'debug:1', 'model:1']);
    expect(found.images.map(({ user }) => user)).toEqual([
      'Pod job-, container a',
      'Pod job-',
      'Pod job-, container debug',
      'Pod job-, volume model',
    ]);
  });

  it('reads several documents, lists in lists, JSON, and leaves out what runs nothing', () => {
    const resource = (name: string, kind = 'Pod') => ({
      apiVersion: 'v1',
      kind,
      metadata: { name },
      spec: { containers: [{ image: `${name}:1` }] },
    });
    const list = (...items: unknown[]) => ({ apiVersion: 'v1', kind: 'List', items });
    const found = find(`---
# nothing here
---
${JSON.stringify(list(resource('a'), list(resource('b')), resource('no', 'ConfigMap')), null, 2)}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec: {containers: [{image: schema}]}
---
just: values
image: other:1
---
${JSON.stringify(resource('c'))}
...
`);
    expect(references(found)).toEqual(['a:1', 'b:1', 'c:1']);
  });

  it('reads aliases and merge keys as kubectl does, each text once', () => {
    const found = find(`apiVersion: v1
kind: Pod
metadata: {name: x, annotations: {a: &image "shared:1"}}
spec:
  base: &base {image: merged:1, name: base}
  containers:
  - {name: one, image: *image}
  - {name: two, image: *image}
  - <<: *base
    name: three
  - <<: [*base]
    image: own:1
`);
    expect(references(found)).toEqual(['shared:1', 'merged:1', 'own:1']);
    expect(found.images.map(({ line }) => line)).toEqual([3, 5, 12]);
  });

  it('is not held up by aliases that name each other over and over', () => {
    const lines = Array.from(
      { length: 30 },
      (_, index) => `  l${index + 1}: &l${index + 1} {<<: [*l${index}, *l${index}], a: [*l${index}, *l${index}]}`,
    );
    const found = find(`apiVersion: v1\nkind: Pod\nspec:\n  l0: &l0 {containers: [{image: deep:1}]}\n${lines.join('\n')}\n`);
    expect(references(found)).toEqual(['deep:1']);
  });

  it('finds 20,000 containers', () => {
    const containers = Array.from({ length: 20_000 }, (_, index) => `{image: a:${index}}`);
    expect(find(`apiVersion: v1\nkind: Pod\nspec: {containers: [${containers.join(',')}]}`).images.length).toBe(20_000);
  });

  it.each([
    [
      'argoproj.io/v1alpha1',
      'Workflow',
      '{templates: [{container: {image: a:1}}, {script: {image: b:1}, sidecars: [{image: c:1}], initContainers: [{image: d:1}]}]}',
      4,
    ],
    ['argoproj.io/v1alpha1', 'CronWorkflow', '{workflowSpec: {templates: [{container: {image: a:1}}]}}', 1],
    ['tekton.dev/v1', 'Task', '{steps: [{image: a:1}], sidecars: [{image: b:1}], stepTemplate: {image: c:1}}', 3],
    [
      'tekton.dev/v1',
      'PipelineRun',
      '{pipelineSpec: {tasks: [{taskSpec: {steps: [{image: a:1}]}}], finally: [{taskSpec: {steps: [{image: b:1}]}}]}}',
      2,
    ],
    ['monitoring.coreos.com/v1', 'Prometheus', '{image: a:1, thanos: {image: b:1}, containers: [{name: x, image: c:1}]}', 3],
    ['postgresql.cnpg.io/v1', 'Cluster', '{imageName: "ghcr.io/cloudnative-pg/postgresql:17"}', 1],
    ['pkg.crossplane.io/v1', 'Provider', '{package: "xpkg.upbound.io/a/b:v1"}', 1],
    ['kafka.strimzi.io/v1beta2', 'Kafka', '{kafka: {image: a:1}, entityOperator: {topicOperator: {image: b:1}}}', 2],
    ['elasticsearch.k8s.elastic.co/v1', 'Elasticsearch', '{image: a:1}', 1],
    ['sparkoperator.k8s.io/v1beta2', 'ScheduledSparkApplication', '{template: {image: a:1, driver: {image: b:1}}}', 2],
    ['kubevirt.io/v1', 'VirtualMachine', '{template: {spec: {volumes: [{containerDisk: {image: a:1}}]}}}', 1],
  ])('knows where %s %s names images', (apiVersion, kind, spec, count) => {
    const found = find(`apiVersion: ${apiVersion}\nkind: ${kind}\nspec: ${spec}\n`);
    expect(found.images.length).toBe(count);
    expect(found.remarks).toEqual([]);
  });

  it('finds the images of resources that another resource holds', () => {
    const found = find(`apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: s}
spec:
  triggers:
  - template:
      k8s:
        source:
          resource:
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            spec: {templates: [{name: a, container: {image: inner:1}}]}
---
apiVersion: kubernetes.crossplane.io/v1alpha2
kind: Object
metadata: {name: o}
spec: {forProvider: {manifest: {apiVersion: monitoring.coreos.com/v1, kind: Prometheus, spec: {image: other:1}}}}
`);
    expect(references(found)).toEqual(['inner:1', 'other:1']);
    expect(found.remarks).toEqual([]);
  });

  it('tells of what may be an image in a custom resource that it does not know, and of an image that is no text', () => {
    const found = find(
      'apiVersion: a.example.com/v1\nkind: Machine\nspec:\n  image: ghcr.io/a/b:1\n  picture: {image: cat}\n  containers: [{image: 1.5}, {image: null}, {}]\n',
    );
    expect(found.images).toEqual([]);
    expect(found.remarks.map(({ level, line, column }) => [level, line, column])).toEqual([
      ['error', 6, 24],
      ['notice', 4, 10],
    ]);
  });

  it('takes no template and no text for a resource', () => {
    const template = 'kind: Pod\nmetadata: {name: {{ .Release.Name }}}\nspec: {containers: [{image: a}]}\n';
    expect(find(template).remarks).toMatchObject([{ level: 'error', line: 2, reason: expect.stringContaining('helm template') }]);
    for (const image of ['"{{ .Values.image }}:{{ .Values.tag }}"', '"app:${TAG}"'])
      expect(find(`kind: Pod\nspec: {containers: [{image: ${image}}]}\n`).remarks).toMatchObject([
        { level: 'error', reason: expect.stringContaining('is a template') },
      ]);
    expect(find('  ---\n{"kind":"Pod"}').remarks).toMatchObject([
      { level: 'error', reason: expect.stringContaining('a text, and no resource') },
    ]);
    expect(find('{"kind":"Pod"}\n{"kind":"Pod"}').remarks).toMatchObject([
      { level: 'error', line: 2, reason: expect.stringContaining('several JSON objects') },
    ]);
    expect(find('$ANSIBLE_VAULT;1.1;AES256\n3132\n').remarks).toEqual([]);
  });

  it('refuses what is no YAML at its line, and says where a template has to be rendered', () => {
    const found = find(
      'apiVersion: v1\nkind: Pod\nspec: {{ .Values.spec }}\n  x: [\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{image: a}]}\n',
    );
    expect(found.remarks[0]).toMatchObject({
      level: 'error',
      file: 'deploy.yaml',
      line: 4,
      reason: expect.stringContaining('helm template'),
    });
    expect(find('a: 1\na: 2\n').remarks).toMatchObject([{ level: 'error', line: 2, column: 1 }]);
    expect(find(`a: ${'['.repeat(20_000)}`).remarks.length).toBeGreaterThan(0);
    expect(find('x'.repeat(17 * 1024 * 1024)).remarks).toMatchObject([{ level: 'error' }]);
  });
});

describe('kustomizations', () => {
  const text = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base]
images:
- name: app
  newName: registry.example.com/team/app
  newTag: "1.2" # of today
- newTag: v3
  name: other
- {name: flow, newTag: 1.0.1}
- name: both
  newTag: '4'
  digest: ${digest}
- name: only
  digest: ${digest}
- name: renamed
  newName: elsewhere
- name: number
  newTag: 1.5
`;

  it('joins name, tag and digest as kustomize does', () => {
    const found = find(text, 'overlays/kustomization.yaml');
    expect(references(found)).toEqual([
      'registry.example.com/team/app:1.2',
      'other:v3',
      'flow:1.0.1',
      `both:4@${digest}`,
      `only@${digest}`,
    ]);
    expect(found.images.map(({ line, column }) => [line, column])).toEqual([
      [7, 11],
      [8, 11],
      [10, 24],
      [12, 11],
      [15, 11],
    ]);
    expect(found.remarks.map(({ level, line }) => [level, line])).toEqual([
      ['notice', 17],
      ['error', 19],
      ['notice', 1],
    ]);
  });

  it.each(['\n', '\r\n'])('pins by a line of its own, whatever ends the lines (%j)', (end) => {
    const file = { path: 'kustomization.yml', text: text.slice(0, text.indexOf('- name: both')).replaceAll('\n', end) };
    const pinned = pinAll(file, find(file.text, file.path));
    expect(pinned).toBe(
      file.text
        .replace(`# of today${end}`, `# of today${end}  digest: ${digest}${end}`)
        .replace(`newTag: v3${end}`, `newTag: v3${end}  digest: ${digest}${end}`)
        .replace('newTag: 1.0.1', `newTag: 1.0.1, digest: ${digest}`),
    );
    expect(references(find(pinned, file.path))).toEqual([
      `registry.example.com/team/app:1.2@${digest}`,
      `other:v3@${digest}`,
      `flow:1.0.1@${digest}`,
    ]);
  });

  it('is told by its name', () => {
    expect(references(find('images: [{name: a, newTag: "1"}]', 'x/Kustomization'))).toEqual(['a:1']);
  });

  it('has the keys that kustomize takes for the same, and the old name of the field', () => {
    const found = find(
      'Images: [{NAME: a, NewtAg: "1"}, {name: b, digeſt: sha256:1, newName: c}]\nimageTags: [{name: d, newTag: "2"}]\n',
      'Kustomization',
    );
    expect(references(found)).toEqual(['a:1', 'c@sha256:1', 'd:2']);
    expect(find('images: [{name: a, newTag: "1", newtag: "2"}]', 'Kustomization').remarks).toMatchObject([
      { level: 'error', reason: 'the key newTag stands twice in a map' },
    ]);
  });

  it('is read in resources of Flux and Argo CD, too', () => {
    const found = find(`apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop}
spec:
  images:
  - name: a
    newTag: "1"
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop}
spec: {postRenderers: [{kustomize: {images: [{name: b, newName: c, digest: ${digest}}]}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  source:
    kustomize:
      images:
      - d=localhost:5000/e:1
      - f
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop}
spec: {template: {spec: {sources: [{kustomize: {images: [g:2]}}]}}}
`);
    expect(found.images.map(({ reference, user }) => [reference, user])).toEqual([
      ['a:1', 'Kustomization shop, image a'],
      [`c@${digest}`, 'HelmRelease shop, image b'],
      ['localhost:5000/e:1', 'Application shop'],
      ['g:2', 'ApplicationSet shop'],
    ]);
    expect(found.images.map(({ pin }) => pin.kind)).toEqual(['insertion', 'none', 'insertion', 'insertion']);
    expect(found.remarks.map(({ level, line }) => [level, line])).toEqual([
      ['notice', 1],
      ['notice', 9],
      ['notice', 22],
      ['notice', 14],
      ['notice', 24],
    ]);
  });
});

describe('pins', () => {
  it.each([
    ['plain', 'image: a/b:1'],
    ['plain with a comment', 'image: a/b:1 # image: a/b:1'],
    ['double quotes', 'image: "a/b:1"'],
    ['single quotes', "image: 'a/b:1'"],
    ['a flow map', 'x: {image: a/b:1, y: 2}'],
    ['a folded block', 'image: >-\n      a/b:1'],
    ['a literal block', 'image: |\n      a/b:1\n'],
    ['an anchor', 'image: &name a/b:1'],
    ['a port', 'image: localhost:5000/a/b:1'],
    ['emoji before it', 'x: "🙂🙂", image: a/b:1'],
  ])('inserts the digest and nothing else: %s', (_name, line) => {
    const isFlow = line.startsWith('x: "');
    const text = `\uFEFFapiVersion: v1\r\nkind: Pod\nspec:\n  containers:\n  - ${isFlow ? `{${line}}` : line.startsWith('x: {') ? line.slice(3) : line}\n# 🙂 end without line end`;
    const file = { path: 'a.yaml', text };
    const found = find(text);
    const [image] = found.images;
    const pinned = pinAll(file, found);
    expect(pinned.replace(`@${digest}`, '')).toBe(text);
    expect(references(find(pinned)).map((reference) => reference.trim())).toEqual([`${image?.reference.trim()}@${digest}`]);
  });

  it('has no place in a text that is written with escapes', () => {
    const found = find('apiVersion: v1\nkind: Pod\nspec: {containers: [{image: "a\\x2fb:1"}]}');
    expect(found.images).toMatchObject([{ reference: 'a/b:1', pin: { kind: 'none' } }]);
  });

  it('has no place in a text that stands under other keys as well, nor beside an empty digest', () => {
    const found = find('kind: Pod\nmetadata: {labels: {app: &i a:1}}\nspec: {containers: [{image: *i}, {image: &j b:1}, {image: *j}]}');
    expect(found.images).toMatchObject([
      { reference: 'a:1', pin: { kind: 'none' } },
      { reference: 'b:1', pin: { kind: 'insertion' } },
    ]);
    expect(find('images: [{name: a, newTag: "1", digest: }]', 'Kustomization').images).toMatchObject([
      { reference: 'a:1', pin: { kind: 'none' } },
    ]);
  });

  it('pins a text once that many name, and JSON stays JSON', () => {
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ image: 'a:1' }, { image: 'b' }] } }, null, 1);
    const pinned = JSON.parse(pinAll({ path: 'x', text }, find(text)));
    expect(pinned.spec.containers).toEqual([{ image: `a:1@${digest}` }, { image: `b@${digest}` }]);
  });
});
