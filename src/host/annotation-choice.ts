import type { Annotation } from '../model/annotation.ts';

type Level = Annotation['level'];

/** How many annotations of each level a runner still keeps for this step; beyond, they would only be lines of the log. */
export type AnnotationRoom = Record<Level, number>;

/** Both runners: actions/runner ExecutionContext.cs `_maxCountPerIssueType`, azure-pipelines-agent ExecutionContext.cs `_maxIssueCount`. */
export const annotationsPerLevel = 10;

/** actions/runner ExecutionContext.cs `_maxIssueMessageLength`, in UTF-16 units. */
export const annotationMaxCharacters = 4096;

/** Takes from `annotations`, in their order, what there is room for, and uses the room up. The rest comes second. */
export function chooseAnnotations(
  annotations: readonly Annotation[],
  room: AnnotationRoom,
): { readonly chosen: readonly Annotation[]; readonly rest: readonly Annotation[] } {
  const chosen: Annotation[] = [];
  const rest: Annotation[] = [];
  for (const annotation of annotations) {
    if (room[annotation.level] <= 0) {
      rest.push(annotation);
      continue;
    }
    room[annotation.level] -= 1;
    chosen.push(annotation);
  }
  return { chosen, rest };
}

export function createAnnotationRoom(): AnnotationRoom {
  return { error: annotationsPerLevel, warning: annotationsPerLevel, notice: annotationsPerLevel };
}
