import type { BuildRun } from '../model/build-run.ts';

/**
 * The predicate of SLSA provenance for an image that the step was given in a job: where it comes from as far as the host says, and not how it was built,
 * which the step has not seen. https://slsa.dev/spec/v1.0/provenance
 */
export function toProvenance(run: BuildRun, version: string): object {
  const { buildType, builder, invocation, externalParameters, internalParameters, source } = run;
  return {
    buildDefinition: {
      buildType,
      externalParameters,
      internalParameters,
      resolvedDependencies: source === undefined ? [] : [{ uri: source.uri, digest: { gitCommit: source.commit } }],
    },
    runDetails: {
      builder: { id: builder, version: { 'image-custody': version } },
      metadata: { invocationId: invocation },
    },
  };
}
