import { conditionsOf, when } from "../conditions.ts";
import { degraded, healthy, progressing, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { quote } from "../text.ts";

/** A CustomResourceDefinition serves its kind when it is established; discovery may show it a moment later. */
export function customResourceDefinition({ object }: Scene): Finding {
  const conditions = conditionsOf(object);
  const names = when(conditions, "NamesAccepted", "False");
  if (names !== undefined)
    return degraded(names.reason || "NamesNotAccepted", `Another kind has its names: ${quote(names.message)}. Remove one of the two.`, names.pointer);
  const structure = when(conditions, "NonStructuralSchema", "True");
  if (structure !== undefined)
    return degraded(
      structure.reason || "NonStructuralSchema",
      `Its schema is not structural: ${quote(structure.message)}. Correct the schema.`,
      structure.pointer,
    );
  const established = conditions.get("Established");
  if (established?.status === "True") return healthy("Established", "Its kind is served.", established.pointer);
  if (established !== undefined && established.reason !== "Installing")
    return degraded(established.reason || "NotEstablished", `Its kind is not served: ${quote(established.message)}.`, established.pointer);
  return routine("Installing", "Its kind is being installed.", established?.pointer ?? "/status/conditions");
}

/** An APIService leads to a server of its own; while that does not answer, its groups are missing and namespaces cannot be deleted. */
export function apiService({ object }: Scene): Finding {
  const available = conditionsOf(object).get("Available");
  if (available?.status === "True") return healthy("Available", "Its server answers.", available.pointer);
  const backend = object.text("spec", "service", "name");
  const check =
    backend === undefined ? "" : ` Check the pods behind service ${quote(object.text("spec", "service", "namespace") ?? "default")}/${quote(backend)}.`;
  return progressing(
    available?.reason || "NotAvailable",
    `Its server does not answer${available?.message ? `: ${quote(available.message)}` : ""}.${check}`,
    available?.pointer ?? "/status/conditions",
  );
}
