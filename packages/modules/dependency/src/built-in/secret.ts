import { priority } from "./shared.ts";

/** What stands in the project already: each value of the Secret is an output. */
export const secret = {
  name: "secret-v1",
  spec: {
    type: "secret",
    class: "default",
    priority,
    params: {
      properties: { name: { type: "string", description: "Name of the Secret in the project; the last part of the id unless said." } },
    },
    provisioner: { secret: {} },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  },
} as const;
