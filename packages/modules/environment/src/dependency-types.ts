import type { Environment } from "./environment-kind.ts";

/** Why workloads of an environment may not ask for dependencies of a type; undefined where they may. */
export function refusedType({ metadata, spec }: Environment, type: string): string | undefined {
  const { allowedTypes, deniedTypes } = spec.dependencies ?? {};
  const isAllowed = allowedTypes === undefined || allowedTypes.includes(type);
  if (isAllowed && deniedTypes?.includes(type) !== true) return undefined;
  const allowed =
    allowedTypes === undefined
      ? `all but ${(deniedTypes ?? []).join(", ")}`
      : allowedTypes.length === 0
        ? "none"
        : allowedTypes.filter((each) => deniedTypes?.includes(each) !== true).join(", ");
  return `dependencies of type ${type} are not allowed in environment ${metadata.name}, which allows ${allowed}. Leave it out, or have spec.dependencies of the environment changed`;
}
