import { fixed, immutable } from "./causes.ts";
import { defaults, fields, type Rules } from "./fields.ts";

export const claimRules: Rules = {
  validate: (claim, old) => [
    ...fixed(claim, old, (spec) => {
      for (const field of ["resources", "volumeName", "volumeAttributesClassName"]) delete spec[field];
      // A claim without a class may get one later on.
      if (old !== undefined && fields(old, "spec")["storageClassName"] === undefined) delete spec["storageClassName"];
    }),
    ...(old === undefined ? [] : immutable(claim, old, ["spec.volumeMode"]).map((cause) => ({ ...cause, field: "volumeMode" }))),
  ],
  normalize(claim) {
    defaults(fields(claim, "spec"), { volumeMode: "Filesystem" });
  },
  prepare(claim, old) {
    if (old !== undefined) return;
    claim["status"] = { phase: "Pending" };
    claim.metadata.finalizers = [...new Set([...(claim.metadata.finalizers ?? []), "kubernetes.io/pvc-protection"])];
  },
};
