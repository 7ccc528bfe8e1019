import type { z } from "zod";
import type { ErrorCause } from "@threeport/resource";
import { anyNamesSchema, scoreSchema, type ScoreDocument } from "./document.ts";
import { at, below, invalid, required, shown } from "./field.ts";
import { nearest } from "./nearest.ts";

/** The document if it fits the format, or what does not. */
export function checkShape(document: unknown): { readonly document: ScoreDocument } | { readonly causes: readonly ErrorCause[] } {
  const result = scoreSchema.safeParse(document, { reportInput: true });
  if (result.success) return { document: result.data };
  const names = result.error.issues.filter(({ code }) => code === "invalid_key");
  if (names.length === 0) return { causes: result.error.issues.flatMap(causesOf) };
  const others = anyNamesSchema.safeParse(document, { reportInput: true }).error?.issues ?? [];
  const wrongIn = new Set(others.filter(({ code }) => code === "invalid_key").map(({ path }) => at(path)));
  return { causes: [...names.filter(({ path }) => !wrongIn.has(at(path))), ...others].flatMap(causesOf) };
}

function causesOf(issue: z.core.$ZodIssue): ErrorCause[] {
  const field = at(issue.path);
  const { input } = issue;
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = issue.message.split(", ");
      return issue.keys.map((key) => unknownField(below(field, key), key, known));
    }
    case "invalid_key":
      return [invalid(field, `${shown(issue.path.at(-1))}: ${issue.issues[0]?.message ?? "must be another name"}`)];
    case "invalid_type":
      return [wrongType(issue, issue.expected)];
    case "invalid_value":
      if (input === undefined || input === null) return [wrongType(issue, issue.values.map(String).join(" or "))];
      return [invalid(field, `${shown(input)}: write ${issue.values.map(String).join(" or ")}`)];
    default:
      return [invalid(field, `${shown(input)}: ${issue.message}`)];
  }
}

/** What people write at the top who know another format, and what says it here. */
const elsewhereAtTop: Readonly<Record<string, string>> = {
  name: "write it in metadata",
  labels: "write them as annotations in metadata",
  annotations: "write them in metadata",
  kind: "a Score file has none: remove the line",
  spec: "a Score file has none: move what is in it one level up",
  image: "write it in a container",
  env: "write variables in a container",
  environment: "write variables in a container",
  variables: "write them in a container",
};

/** And in what is below. */
const elsewhereBelow: Readonly<Record<string, string>> = {
  name: "the key above is the name: remove the line",
  env: "write variables",
  environment: "write variables",
  ports: "the ports of a workload are written in service, at the top",
  replicas: "their number is given when it is deployed: --replicas",
  pullPolicy: "the cluster chooses it: remove the line",
  imagePullPolicy: "the cluster chooses it: remove the line",
  volumeMounts: "write volumes",
  mountPath: "the path in the container is the key, such as /data",
  initialDelaySeconds: "probes have no times: remove the line",
  periodSeconds: "probes have no times: remove the line",
  timeoutSeconds: "probes have no times: remove the line",
  failureThreshold: "probes have no numbers of attempts: remove the line",
  successThreshold: "probes have no numbers of attempts: remove the line",
  tcpSocket: "write httpGet or exec",
  grpc: "write httpGet or exec",
};

function unknownField(field: string, key: string, known: readonly string[]): ErrorCause {
  const meant = nearest(key, known);
  const elsewhere = known.includes("apiVersion") ? elsewhereAtTop : elsewhereBelow;
  const hint = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
  const extension = key.startsWith("x-") ? "the format has no extensions; values of your own go into metadata" : undefined;
  const settings = known.includes("params") ? "; what the resource shall be like goes into params" : "";
  const advice = hint ?? extension ?? `${meant === undefined ? "" : `did you mean ${meant}? `}There can be ${known.join(", ")}${settings}`;
  return { field, reason: "FieldValueInvalid", message: `Unknown field: ${advice}` };
}

const nouns: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

/** Fields that must be there wherever they can be, and what to write. */
const always: Readonly<Record<string, { readonly expected: string; readonly write: string }>> = {
  apiVersion: { expected: "score.dev/v1b1", write: "score.dev/v1b1" },
  metadata: { expected: "object", write: "a mapping with the name of the workload" },
  containers: { expected: "record", write: "a mapping with each container by its name, and its image" },
  image: { expected: "string", write: 'an image, or "." for the one that is given when it is deployed' },
  type: { expected: "string", write: "the type of the resource, such as postgres or volume" },
};

function wrongType({ path, input }: z.core.$ZodIssue, expected: string): ErrorCause {
  const field = at(path);
  const key = String(path.at(-1));
  const entry = Object.hasOwn(always, key) && (key !== "metadata" || path.length === 1) ? always[key] : undefined;
  const must = entry?.expected === expected ? entry.write : undefined;
  const wanted = nouns[expected] ?? expected;
  if (input === undefined) return required(field, `write ${must ?? wanted}`);
  if (input === null) return invalid(field, `it stands there without a value: write ${must ?? `${wanted}, or remove the line`}`);
  // The digits that stand there may be others: 0644 is read as 420, and 1.10 as 1.1.
  if (expected === "string" && (typeof input === "number" || typeof input === "boolean")) {
    const example = path.at(-1) === "mode" ? ', such as "0644"' : "";
    const what = typeof input === "number" ? "number" : "truth value";
    return invalid(field, `${input} is a ${what}, and text is wanted: put quotes around what stands there${example}`);
  }
  return invalid(field, `${shown(input)}: must be ${wanted}`);
}
