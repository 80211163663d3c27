/**
 * Where custom resources name images besides in the `containers` of a pod. Group of the `apiVersion` → paths; `*` is any one key or index.
 * From the types of each project, as they were in November 2026.
 */
export const imagePaths: ReadonlyMap<string, readonly string[]> = new Map([
  ['argoproj.io', [...workflow('spec'), ...workflow('spec.workflowSpec'), ...workflow('spec.workflowTemplate.spec')]],
  ['tekton.dev', [...task('spec'), ...task('spec.taskSpec'), ...pipeline('spec'), ...pipeline('spec.pipelineSpec')]],
  ['monitoring.coreos.com', ['spec.image', 'spec.thanos.image']],
  ['sparkoperator.k8s.io', [...spark('spec'), ...spark('spec.template')]],
  ['flink.apache.org', ['spec.image']],
  ['postgresql.cnpg.io', ['spec.imageName', 'spec.images.*.image']],
  ['postgres-operator.crunchydata.com', ['spec.image', 'spec.backups.pgbackrest.image', 'spec.proxy.pgBouncer.image']],
  ['acid.zalan.do', ['spec.dockerImage', 'spec.sidecars.*.image']],
  ['k8s.mariadb.com', ['spec.image', 'spec.metrics.exporter.image', 'spec.maxScale.image']],
  ['mongodbcommunity.mongodb.com', ['spec.agent.image']],
  ['psmdb.percona.com', ['spec.image', 'spec.backup.image', 'spec.pmm.image']],
  ['pxc.percona.com', ['spec.*.image']],
  ['databases.spotahome.com', ['spec.redis.image', 'spec.sentinel.image', 'spec.redis.exporter.image']],
  ['redis.redis.opstreelabs.in', ['spec.kubernetesConfig.image', 'spec.redisExporter.image']],
  ['rabbitmq.com', ['spec.image']],
  ['minio.min.io', ['spec.image']],
  ['kafka.strimzi.io', ['spec.image', 'spec.*.image', 'spec.entityOperator.*.image']],
  ['cassandra.datastax.com', ['spec.serverImage', 'spec.systemLoggerImage', 'spec.configBuilderImage']],
  ['ceph.rook.io', ['spec.cephVersion.image']],
  ['opensearch.opster.io', ['spec.general.image', 'spec.dashboards.image', 'spec.initHelper.image', 'spec.bootstrap.image']],
  ['opentelemetry.io', ['spec.image', 'spec.*.image', 'spec.targetAllocator.image']],
  ['jaegertracing.io', ['spec.*.image', 'spec.storage.*.image']],
  ['serving.kserve.io', ['spec.*.model.image', 'spec.*.sklearn.image', 'spec.*.pytorch.image', 'spec.*.triton.image']],
  ['kubevirt.io', ['spec.volumes.*.containerDisk.image', 'spec.template.spec.volumes.*.containerDisk.image']],
  ['upgrade.cattle.io', ['spec.upgrade.image', 'spec.prepare.image']],
  ['operators.coreos.com', ['spec.image', 'spec.relatedImages.*.image']],
  ['pkg.crossplane.io', ['spec.package']],
  ['k8s.keycloak.org', ['spec.image']],
  ['ps.percona.com', ['spec.*.image', 'spec.proxy.*.image']],
  ['pgv2.percona.com', ['spec.image', 'spec.*.image', 'spec.backups.pgbackrest.image', 'spec.proxy.pgBouncer.image']],
  ['planetscale.com', ['spec.images.*']],
  ['tempo.grafana.com', ['spec.images.*']],
  ['gateway.envoyproxy.io', ['spec.provider.kubernetes.*.container.image', 'spec.provider.kubernetes.*.initContainers.*.image']],
  ['helm.cattle.io', ['spec.jobImage']],
  ['k6.io', ['spec.runner.image', 'spec.starter.image', 'spec.initializer.image']],
  ['velero.io', ['spec.image']],
  ['actions.summerwind.dev', ['spec.image', 'spec.dockerImage', 'spec.template.spec.image', 'spec.template.spec.dockerImage']],
  ...['agent', 'apm', 'beat', 'elasticsearch', 'enterprisesearch', 'kibana', 'logstash', 'maps'].map(
    (product): readonly [string, readonly string[]] => [`${product}.k8s.elastic.co`, ['spec.image']],
  ),
]);

/** Where they hold entries of `images` for kustomize: maps, or texts `NAME=NEWNAME:TAG` as its command line has them. */
export const kustomizePaths: ReadonlyMap<string, readonly string[]> = new Map([
  ['kustomize.toolkit.fluxcd.io', ['spec.images.*']],
  ['helm.toolkit.fluxcd.io', ['spec.postRenderers.*.kustomize.images.*']],
  [
    'argoproj.io',
    ['spec', 'spec.template.spec'].flatMap((spec) => [`${spec}.source.kustomize.images.*`, `${spec}.sources.*.kustomize.images.*`]),
  ],
]);

/** Kinds that have a cluster render something that is not in their file. */
export const renderedKinds: ReadonlyMap<string, readonly string[]> = new Map([
  ['kustomize.toolkit.fluxcd.io', ['Kustomization']],
  ['helm.toolkit.fluxcd.io', ['HelmRelease']],
  ['helm.cattle.io', ['HelmChart']],
  ['argoproj.io', ['Application', 'ApplicationSet']],
]);

function workflow(spec: string): readonly string[] {
  return [`${spec}.templates.*`, `${spec}.templateDefaults`].flatMap((template) =>
    ['container.image', 'script.image', 'sidecars.*.image'].map((path) => `${template}.${path}`),
  );
}

function task(spec: string): readonly string[] {
  return ['steps.*.image', 'sidecars.*.image', 'stepTemplate.image'].map((path) => `${spec}.${path}`);
}

function pipeline(spec: string): readonly string[] {
  return ['tasks', 'finally'].flatMap((list) => task(`${spec}.${list}.*.taskSpec`));
}

function spark(spec: string): readonly string[] {
  return ['image', 'driver.image', 'executor.image'].map((path) => `${spec}.${path}`);
}
