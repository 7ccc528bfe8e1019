import { unknownParams } from "./params.ts";
import type { ResourceType } from "./resource-type.ts";

/** Values that the environment has under a name: `${resources.env.LOG_LEVEL}`. */
export const environmentType: ResourceType = {
  type: "environment",
  outputNames: undefined,
  check: (named) => unknownParams(named, []),
  provide: (_, { variables }) => ({
    kind: "outputs",
    outputs: (key) => (Object.hasOwn(variables, key) ? { value: variables[key] } : undefined),
  }),
};
