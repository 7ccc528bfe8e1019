import { isJsonObject, type JsonObject } from "@threeport/resource";
import type { AppliedKind } from "./apply-sequences.ts";

/** An outcome of a write without what our server does otherwise on purpose: contents of a namespace are held by a finalizer in metadata, not in spec. */
export function withoutServerMatters(kind: AppliedKind, outcome: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(outcome)) as JsonObject;
  const { object, managers } = copy;
  if (kind.kind !== "Namespace" || !isJsonObject(object) || !isJsonObject(managers)) return copy;
  delete object["spec"];
  delete (object["metadata"] as JsonObject)["finalizers"];
  for (const [name, entry] of Object.entries(managers)) {
    const fields = (entry as JsonObject)["fieldsV1"] as JsonObject;
    delete fields["f:spec"];
    if (isJsonObject(fields["f:metadata"])) delete fields["f:metadata"]["f:finalizers"];
    if (Object.keys(fields).length === 0) delete managers[name];
  }
  return copy;
}
