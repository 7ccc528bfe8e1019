import { z } from "zod";
import { defineKind, type Kind, type KubeObject } from "@threeport/resource";

const group = "authentication.k8s.io";
const version = "v1";
const texts = (description: string) => z.array(z.string()).nullable().optional().describe(description).meta({ "x-kubernetes-list-type": "atomic" });

const userInfo = z.object({
  username: z.string().optional().describe("Name of the user."),
  uid: z.string().optional().describe("Identity over time."),
  groups: texts("Groups that the user is in."),
  extra: z.record(z.string(), z.array(z.string())).optional().describe("What else is known of the user."),
});

export const tokenReviewKind = defineKind({
  group,
  version,
  kind: "TokenReview",
  plural: "tokenreviews",
  scope: "Cluster",
  computed: true,
  description: "Asks whose a token is.",
  fields: {
    spec: z
      .object({ token: z.string().optional().describe("The token."), audiences: texts("For whom the token must be; the API server unless said.") })
      .describe("The question."),
    status: z
      .object({
        authenticated: z.boolean().optional().describe("Whether the token is valid."),
        user: userInfo.optional().describe("Whose it is."),
        audiences: texts("Those of the asked audiences that the token is for."),
        error: z.string().optional().describe("Why it could not be checked."),
      })
      .optional()
      .describe("The answer."),
  },
});

export const selfSubjectReviewKind = defineKind({
  group,
  version,
  kind: "SelfSubjectReview",
  plural: "selfsubjectreviews",
  scope: "Cluster",
  computed: true,
  description: "Asks who the caller is.",
  fields: {
    status: z
      .object({ userInfo: userInfo.optional().describe("Who the caller is.") })
      .optional()
      .describe("The answer."),
  },
});

/** Shortest and longest life of a token that may be asked for; Kubernetes' numbers. */
const expirationSecondsMin = 600;
const expirationSecondsMax = 2 ** 32;

/** Body and answer of `serviceaccounts/token`. */
export const tokenRequestKind = defineKind({
  group,
  version,
  kind: "TokenRequest",
  plural: "tokenrequests",
  scope: "Namespaced",
  computed: true,
  description: "Asks for a token of a ServiceAccount.",
  fields: {
    spec: z
      .object({
        audiences: texts("For whom the token is; the API server unless said."),
        expirationSeconds: z.number().int().nullable().optional().describe("How long it is valid, in seconds; an hour unless said.").meta({ format: "int64" }),
        boundObjectRef: z
          .object({
            kind: z.string().optional().describe("Secret."),
            apiVersion: z.string().optional().describe("v1."),
            name: z.string().optional().describe("Name of the object in the same namespace."),
            uid: z.string().optional().describe("Its identity."),
          })
          .nullable()
          .optional()
          .describe("An object whose end is the end of the token."),
      })
      .optional()
      .describe("What is asked for."),
    status: z
      .object({
        token: z.string().optional().describe("The token."),
        expirationTimestamp: z.string().nullable().optional().describe("When it ends.").meta({ format: "date-time" }),
      })
      .optional()
      .describe("The token."),
  },
  validate(object: KubeObject) {
    const seconds = (object["spec"] as { expirationSeconds?: number | null } | undefined)?.expirationSeconds ?? undefined;
    const problem =
      seconds === undefined
        ? undefined
        : seconds < expirationSecondsMin
          ? "may not specify a duration less than 10 minutes"
          : seconds > expirationSecondsMax
            ? "may not specify a duration larger than 2^32 seconds"
            : undefined;
    return problem === undefined ? [] : [{ field: "spec.expirationSeconds", reason: "FieldValueInvalid", message: `Invalid value: ${seconds}: ${problem}` }];
  },
});

export const authenticationKinds: readonly Kind[] = [tokenReviewKind, selfSubjectReviewKind];
