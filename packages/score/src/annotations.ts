import type { ScoreDocument } from "./document.ts";

// Annotations of other implementations that say something about the workload's objects.

/** Which kind runs the containers. */
export const kindAnnotation = "k8s.score.dev/kind";
/** Another name for the workload's Service. */
export const serviceNameAnnotation = "k8s.score.dev/service-name";
/** What begins so is meant for the implementation, and not passed on to pods. */
export const ownPrefixes: readonly string[] = ["k8s.score.dev/", "compose.score.dev/"];

export const workloadKinds: readonly string[] = ["Deployment", "StatefulSet"];

/** Name of the workload's Service, under which others call it. */
export function serviceNameOf({ metadata }: Pick<ScoreDocument, "metadata">): string {
  return metadata.annotations?.[serviceNameAnnotation] ?? metadata.name;
}
