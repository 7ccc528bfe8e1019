import type { ErrorCause } from "@threeport/resource";
import type { ScoreDocument } from "../document.ts";
import { expandStrings } from "../expand.ts";
import { below, invalid, shown } from "../field.ts";
import { identityOf, resourcesOf } from "../identity.ts";
import { lex } from "../placeholders.ts";
import type { NamedResource, Need } from "./resource-type.ts";

/** A Secret of the project. It is provided as other needs are, and who may read it is asked when the document is written: its name must stand there. */
const secretType = "secret";

export function secretCauses({ resource, field }: NamedResource): ErrorCause[] {
  const name = resource.params?.["name"];
  if (resource.type !== secretType || name === undefined) return [];
  const at = below(below(field, "params"), "name");
  if (typeof name !== "string" || name === "") return [invalid(at, `${shown(name)}: write the name of a Secret`)];
  const reads = lex(name).some((piece) => piece.kind === "reference" && piece.path[0] === "resources");
  return reads ? [invalid(at, `${shown(name)}: write the name out: who may read the Secret is asked when the workload is written`)] : [];
}

/** Secrets of the project that a document asks for. It was checked before. */
export function secretNeeds(document: ScoreDocument): Omit<Need, "workload">[] {
  return resourcesOf(document).flatMap((named) => {
    if (named.resource.type !== secretType) return [];
    const name = expandStrings(named.resource.params?.["name"], "", { metadata: document.metadata, outputs: () => undefined });
    const params = "causes" in name || name.value === undefined ? {} : { params: { name: name.value } };
    return [{ name: named.name, ...identityOf(named, document.metadata.name), ...params }];
  });
}
