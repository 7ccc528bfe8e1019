import type { Environment } from "./environment-kind.ts";

/** Why a project may not deploy in an environment; undefined where it may. */
export function foreignProject({ metadata, spec }: Environment, project: string): string | undefined {
  if (spec.project === undefined || spec.project === project) return undefined;
  return `environment ${metadata.name} belongs to project ${spec.project}, and takes nothing of project ${project}; deploy to another environment (tptctl env list)`;
}
