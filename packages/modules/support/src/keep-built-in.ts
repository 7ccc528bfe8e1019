import { deepEqual, type Objects } from "@threeport/resource";
import { builtInDefinitions } from "./built-in/index.ts";
import { supportServiceDefinitionKind, type SupportServiceDefinition } from "./kinds/definition.ts";

/** Writes the definitions that come with the control plane, as this version of it has them; called at each start. */
export async function keepBuiltInDefinitions(objects: Objects): Promise<void> {
  for (const definition of builtInDefinitions({ apiVersion: supportServiceDefinitionKind.apiVersion, kind: supportServiceDefinitionKind.kind })) {
    const found = await objects.get<SupportServiceDefinition>({ apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name });
    if (found === undefined || !deepEqual(found.spec, definition["spec"])) await objects.apply(definition);
  }
}
