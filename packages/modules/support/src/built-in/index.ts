import type { KubeObject } from "@threeport/resource";
import { contour } from "./contour.ts";
import { metricsServer } from "./metrics-server.ts";

/** On definitions that come with the control plane. */
export const builtInLabel = "threeport.io/built-in";

const all: readonly { readonly name: string; readonly spec: object }[] = [contour, metricsServer];

/** The spec of a definition that comes with the control plane, by its name. */
export function builtInSpec(name: string): object | undefined {
  return all.find((each) => each.name === name)?.spec;
}

export function builtInDefinitions({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): KubeObject[] {
  return all.map(({ name, spec }) => ({ apiVersion, kind, metadata: { name, labels: { [builtInLabel]: "true" } }, spec: structuredClone(spec) }));
}
