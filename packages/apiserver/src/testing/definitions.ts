import { until } from "@threeport/engine/testing";
import type { Call } from "./call.ts";

export const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

export interface DefinitionInput {
  readonly plural?: string;
  readonly kind?: string;
  readonly group?: string;
  readonly scope?: "Namespaced" | "Cluster";
  /** Merged over the only version. */
  readonly version?: object;
  readonly versions?: readonly object[];
  readonly names?: object;
  readonly metadata?: object;
}

/** A CustomResourceDefinition to send: `gadgets.example.com` with a spec that has a size, unless said otherwise. */
export function definition(input: DefinitionInput = {}) {
  const { plural = "gadgets", kind = "Gadget", group = "example.com", scope = "Namespaced" } = input;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, ...input.metadata },
    spec: {
      group,
      scope,
      names: { plural, kind, ...input.names },
      versions: input.versions ?? [{ ...version("v1"), ...input.version }],
    },
  };
}

/** A version as definitions have it; `spec` is the schema of the objects' spec. */
export function version(name: string, spec: object = { type: "object", properties: { size: { type: "integer", minimum: 1 }, color: { type: "string" } } }) {
  return {
    name,
    served: true,
    storage: true,
    schema: {
      openAPIV3Schema: {
        type: "object",
        properties: { spec, status: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    },
  };
}

/** Creates it and waits until its objects are served. */
export async function define(call: Call, body: ReturnType<typeof definition>): Promise<void> {
  const made = await call("POST", definitionsPath, { body });
  if (made.status !== 201) throw new Error(`${made.status}: ${made.text}`);
  await established(call, body.metadata.name);
}

export async function established(call: Call, name: string): Promise<void> {
  await until(`${name} to be established`, async () => {
    const found = await call("GET", `${definitionsPath}/${name}`);
    const conditions = (found.body?.status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === "Established" && status === "True")) return true;
    throw new Error(found.text);
  });
}
