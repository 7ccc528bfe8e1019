import { z } from "zod";

const text = (description: string) => z.string().describe(description);

/** v1 ObjectReference. */
export const objectReference = z
  .object({
    apiVersion: text("API version of the object.").optional(),
    kind: text("Kind of the object.").optional(),
    namespace: text("Namespace of the object.").optional(),
    name: text("Name of the object.").optional(),
    uid: text("Identity of the object.").optional(),
    resourceVersion: text("Version of the object.").optional(),
    fieldPath: text("A part of the object.").optional(),
  })
  .meta({ "x-kubernetes-map-type": "atomic" });
