import { below, invalid } from "../field.ts";
import type { ResourceType } from "./resource-type.ts";

/** Values that the environment has under a name: `${resources.env.LOG_LEVEL}`. */
export const environmentType: ResourceType = {
  type: "environment",
  outputNames: undefined,
  params: undefined,
  check: ({ field, resource }) =>
    Object.keys(resource.params ?? {}).map((key) =>
      invalid(below(below(field, "params"), key), "type environment has no params: values stand in spec.variables of the Environment"),
    ),
  provide: (_, { variables }) => ({
    kind: "outputs",
    outputs: (key) => (Object.hasOwn(variables, key) ? { value: variables[key] } : undefined),
  }),
};
