import { PlatformError, isJsonObject, parseJson } from "@threeport/resource";
import type { DeleteOptions } from "../pipeline/delete.ts";
import { decodeKubernetesProtobuf, protobufMediaType } from "../protobuf/decode-kubernetes-protobuf.ts";
import type { Query } from "./negotiation.ts";
import type { ResourceRequest } from "./resource-request.ts";
import { cause, dryRunCauses, invalidOptions, unsupported } from "./write-options.ts";

const policies = ["Background", "Foreground", "Orphan"] as const;

/**
 * metav1.DeleteOptions from the body or, when there is none, from the query. What cannot be read is refused, and all of what
 * cannot be meant is told at once: a precondition that counted as none would let the wrong object go.
 */
export function readDeleteOptions({ body, query, contentType }: Pick<ResourceRequest, "body" | "query" | "contentType">): DeleteOptions {
  if (body !== undefined && body.length > 0 && !bodyTypes.has(contentType))
    throw new PlatformError("TP_UNSUPPORTED_MEDIA_TYPE", { message: `send application/json, not "${contentType.slice(0, 100)}"` });
  const sent = body === undefined || body.length === 0 ? ofQuery(query) : ofBody(contentType === protobufMediaType ? decode(body) : parseJson(body));
  const { dryRun, propagationPolicy, orphanDependents, uid, resourceVersion } = checkedTypes(sent);
  const causes = dryRunCauses(dryRun);
  const known = policies.find((candidate) => candidate === propagationPolicy);
  if (propagationPolicy !== undefined && orphanDependents !== undefined)
    causes.push(
      cause(
        "propagationPolicy",
        "FieldValueInvalid",
        `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`,
      ),
    );
  if (propagationPolicy !== undefined && known === undefined) causes.push(unsupported("propagationPolicy", propagationPolicy, [...policies, "nil"]));
  if (causes.length > 0) throw invalidOptions("DeleteOptions", causes);
  const policy = known ?? (orphanDependents === true ? "Orphan" : orphanDependents === false ? "Background" : undefined);
  return {
    dryRun: dryRun.length > 0,
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function decode(body: Uint8Array): unknown {
  const sent = decodeKubernetesProtobuf(body, { expected: { apiVersion: "v1", kind: "DeleteOptions" } });
  // Fields of another kind have other meanings, so nothing of it may be taken for options.
  return sent["kind"] === "DeleteOptions" ? sent : undefined;
}

const bodyTypes: ReadonlySet<string> = new Set(["application/json", "", "application/x-www-form-urlencoded", protobufMediaType]);

/** A body says what it is, or is taken for what it should be. */
function ofBody(sent: unknown): Record<string, unknown> {
  if (sent === null) return {};
  if (!isJsonObject(sent)) throw new PlatformError("TP_BAD_REQUEST", { message: "the body of a delete must be DeleteOptions" });
  const { kind = "DeleteOptions", apiVersion = "v1" } = sent;
  if (kind !== "DeleteOptions" && kind !== "")
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `no kind ${JSON.stringify(kind).slice(0, 100)} is registered for version ${JSON.stringify(apiVersion).slice(0, 100)}; send DeleteOptions`,
    });
  return sent;
}

function ofQuery(query: Query): Record<string, unknown> {
  const seconds = query.text("gracePeriodSeconds");
  if (seconds !== undefined && !/^[+-]?\d{1,18}$/.test(seconds)) throw wrong("gracePeriodSeconds", "must be an integer");
  return {
    dryRun: query.all("dryRun"),
    propagationPolicy: query.text("propagationPolicy"),
    orphanDependents: query.flag("orphanDependents"),
    gracePeriodSeconds: seconds === undefined ? undefined : Number(seconds),
  };
}

interface ReadOptions {
  readonly dryRun: readonly unknown[];
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

function checkedTypes(sent: Readonly<Record<string, unknown>>): ReadOptions {
  const preconditions = sent["preconditions"] ?? undefined;
  if (preconditions !== undefined && !isJsonObject(preconditions)) throw wrong("preconditions", "must be an object");
  const dryRun = sent["dryRun"] ?? [];
  if (!Array.isArray(dryRun)) throw wrong("dryRun", "must be a list");
  typed(sent["gracePeriodSeconds"], "gracePeriodSeconds", "number"); // nothing here ends gracefully, so it is only checked
  return {
    dryRun,
    propagationPolicy: typed(sent["propagationPolicy"], "propagationPolicy", "string"),
    orphanDependents: typed(sent["orphanDependents"], "orphanDependents", "boolean"),
    uid: typed(preconditions?.["uid"], "preconditions.uid", "string"),
    resourceVersion: typed(preconditions?.["resourceVersion"], "preconditions.resourceVersion", "string"),
  };
}

interface TypeNames {
  string: string;
  number: number;
  boolean: boolean;
}

function typed<Name extends keyof TypeNames>(value: unknown, field: string, type: Name): TypeNames[Name] | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== type) throw wrong(field, `must be a ${type}`);
  return value as TypeNames[Name];
}

function wrong(field: string, problem: string): PlatformError {
  return new PlatformError("TP_BAD_REQUEST", {
    message: `DeleteOptions: ${field} ${problem}`,
    causes: [{ field, reason: "FieldValueInvalid", message: problem }],
  });
}
