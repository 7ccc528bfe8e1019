import type { Message } from "../message.ts";
import { metadata, microTime } from "./meta.ts";

const leaseSpec: Message = {
  name: "LeaseSpec",
  fields: {
    1: { name: "holderIdentity", type: "string", presence: "optional" },
    2: { name: "leaseDurationSeconds", type: "int32", presence: "optional" },
    3: { name: "acquireTime", type: microTime, presence: "optional" },
    4: { name: "renewTime", type: microTime, presence: "optional" },
    5: { name: "leaseTransitions", type: "int32", presence: "optional" },
    6: { name: "strategy", type: "string", presence: "optional" },
    7: { name: "preferredHolder", type: "string", presence: "optional" },
  },
};

export const lease: Message = { name: "Lease", fields: { 1: metadata, 2: { name: "spec", type: leaseSpec, presence: "always" } } };
