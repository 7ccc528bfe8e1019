// Fields that a need has wherever it stands: in a claim, and in the dependency that meets it.
import { z } from "zod";

/** What is asked for, as Score has it: a type of an open set, a class of it, and an id that uses share. */
export const needFields = {
  environment: z.string().min(1).describe("Name of the Environment that it is for."),
  type: z
    .string()
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])$/)
    .describe("What is needed: `postgres`, `redis`, …; a DependencyProfile of this type says how it is met."),
  class: z
    .string()
    .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])$/)
    .default("default")
    .describe("Which sort of it."),
  id: z
    .string()
    .max(63)
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/)
    .describe("Uses of one type, class and id in a project and environment are one dependency. A private one is `<workload>.<resource>`."),
  targetNamespace: z.string().min(1).describe("Namespace in the cluster for what is made there."),
  params: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("What its type wants to know.")
    .meta({ "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" }),
  sourceWorkload: z
    .object({
      name: z.string().describe("Its name."),
      kind: z.string().describe("Kind of what runs its pods: Deployment or StatefulSet."),
      service: z.string().describe("Name of its Service."),
      ports: z
        .array(
          z.object({
            name: z.string().describe("Its name."),
            port: z.number().int().describe("What others call."),
            protocol: z.string().describe("TCP or UDP."),
          }),
        )
        .describe("Ports of its Service.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
    })
    .optional()
    .describe("The workload that it is for, where that matters: a route leads to its Service."),
};

/** Profiles that were, or would be, looked at. */
export const candidatesSchema = z
  .array(
    z.object({
      profile: z.string().describe("Its name."),
      chosen: z.boolean().describe("Whether it was taken."),
      reason: z.string().describe("Why, or why not."),
    }),
  )
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["profile"] });

export const outputsSchema = z
  .object({
    values: z
      .record(z.string(), z.unknown())
      .describe("What everybody may see: host, port, …")
      .meta({ "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" }),
    withWorkload: z.boolean().optional().describe("They can be read before it is ready, since it is made together with the workload that needs it."),
    secret: z
      .object({
        name: z.string().describe("The Secret beside the dependency."),
        keys: z.array(z.string()).describe("Its outputs by name.").meta({ "x-kubernetes-list-type": "atomic" }),
        secretVersion: z.string().describe("resourceVersion of the Secret: another one has other values."),
      })
      .optional()
      .describe("Where the others are: password, …"),
  })
  .describe("What whoever uses it may read.");
