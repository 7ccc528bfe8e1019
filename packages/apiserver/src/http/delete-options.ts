import { PlatformError, isJsonObject, parseJson } from "@threeport/resource";
import type { DeleteOptions } from "../pipeline/delete.ts";
import { decodeKubernetesProtobuf, protobufMediaType } from "../protobuf/decode-kubernetes-protobuf.ts";
import type { ResourceRequest } from "./resource-request.ts";

const policies = ["Background", "Foreground", "Orphan"] as const;

/** metav1.DeleteOptions from the body, or from the query, which wins. */
export function readDeleteOptions({ body, query, contentType }: Pick<ResourceRequest, "body" | "query" | "contentType">): DeleteOptions {
  const sent = body === undefined || body.length === 0 ? {} : contentType === protobufMediaType ? decode(body) : parseJson(body);
  if (!isJsonObject(sent)) throw new PlatformError("TP_BAD_REQUEST", { message: "the body of a delete must be DeleteOptions" });
  const { preconditions = null, orphanDependents, dryRun } = sent;
  if (preconditions !== null && !isJsonObject(preconditions)) throw wrong("preconditions", "must be an object");
  const policy = query.text("propagationPolicy") ?? sent["propagationPolicy"] ?? (orphanDependents === true ? "Orphan" : undefined);
  const known = policies.find((candidate) => candidate === policy);
  if (policy !== undefined && policy !== null && known === undefined) throw wrong("propagationPolicy", `must be ${policies.join(", ")}`);
  return {
    dryRun: query.oneOf("dryRun", ["All"]) === "All" || (Array.isArray(dryRun) && dryRun.includes("All")),
    ...(known === undefined ? {} : { propagationPolicy: known }),
    ...precondition("uid", preconditions?.["uid"]),
    ...precondition("resourceVersion", preconditions?.["resourceVersion"]),
  };
}

function decode(body: Uint8Array): unknown {
  const sent = decodeKubernetesProtobuf(body, { expected: { apiVersion: "v1", kind: "DeleteOptions" } });
  // Fields of another kind have other meanings, so nothing of it may be taken for options.
  return sent["kind"] === "DeleteOptions" ? sent : undefined;
}

/** A precondition that cannot be read must not count as none: the wrong object would go. */
function precondition<Name extends "uid" | "resourceVersion">(name: Name, value: unknown): { [K in Name]?: string } {
  if (value === undefined || value === null) return {};
  if (typeof value !== "string") throw wrong(`preconditions.${name}`, "must be a string");
  return { [name]: value } as { [K in Name]?: string };
}

function wrong(field: string, problem: string): PlatformError {
  return new PlatformError("TP_BAD_REQUEST", {
    message: `DeleteOptions: ${field} ${problem}`,
    causes: [{ field, reason: "FieldValueInvalid", message: problem }],
  });
}
