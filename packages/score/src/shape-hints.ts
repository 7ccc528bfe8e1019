// What people write who know another format, or another form of this one, and what says it here.
import { shown } from "./field.ts";
import { nearest } from "./nearest.ts";

const atTop: Readonly<Record<string, string>> = {
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

const noTimes = "probes have no times here: remove the line";
const noAttempts = "probes have no numbers of attempts here: remove the line";
const chosenByCluster = "the cluster chooses it: remove the line";

const below: Readonly<Record<string, string>> = {
  name: "the key above is the name: remove the line",
  env: "write variables",
  environment: "write variables",
  ports: "the ports of a workload are written in service, at the top",
  replicas: "their number is given when it is deployed: --replicas",
  pullPolicy: chosenByCluster,
  imagePullPolicy: chosenByCluster,
  volumeMounts: "write volumes",
  mountPath: "the path in the container is the key, such as /data",
  initialDelaySeconds: noTimes,
  periodSeconds: noTimes,
  timeoutSeconds: noTimes,
  failureThreshold: noAttempts,
  successThreshold: noAttempts,
  tcpSocket: "write httpGet or exec",
  grpc: "write httpGet or exec",
};

/** What to do about a field that is not one of the `known` ones. */
export function adviceForUnknown(key: string, known: readonly string[]): string {
  const elsewhere = known.includes("apiVersion") ? atTop : below;
  const told = Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined;
  if (told !== undefined) return told;
  if (key.startsWith("x-")) return "the format has no extensions; values of your own go into metadata";
  const meant = nearest(key, known);
  const settings = known.includes("params") ? "; what the resource shall be like goes into params" : "";
  return `${meant === undefined ? "" : `did you mean ${meant}? `}There can be ${known.join(", ")}${settings}`;
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

/** Fields that must be there wherever they can be, by the form that they have. */
const always: Readonly<Record<string, { readonly expected: string; readonly write: string }>> = {
  apiVersion: { expected: "score.dev/v1b1", write: "score.dev/v1b1" },
  metadata: { expected: "object", write: "a mapping with the name of the workload" },
  containers: { expected: "record", write: "a mapping with each container by its name, and its image" },
  image: { expected: "string", write: 'an image, or "." for the one that is given when it is deployed' },
  type: { expected: "string", write: "the type of the resource, such as postgres or volume" },
};

/** What to write where nothing stands; `needed`: the line cannot be left out. */
export function formOf(path: readonly PropertyKey[], expected: string): { readonly write: string; readonly needed: boolean } {
  const key = String(path.at(-1));
  const entry = Object.hasOwn(always, key) && (key !== "metadata" || path.length === 1) ? always[key] : undefined;
  return entry?.expected === expected ? { write: entry.write, needed: true } : { write: nouns[expected] ?? expected, needed: false };
}

/** Mappings that people write as lists. */
const entryOf: Readonly<Record<string, string>> = {
  containers: "web: {image: nginx}",
  ports: "http: {port: 80}",
  resources: "db: {type: postgres}",
  variables: "LOG_LEVEL: debug",
};

/** What the one value would be called that people write in place of a mapping, by where the mapping stands. */
const shortFor: Readonly<Record<string, string>> = { containers: "image", ports: "port", resources: "type", files: "content", volumes: "source" };

/** What must stand in place of a value of another form. */
export function formInsteadOf(input: unknown, path: readonly PropertyKey[], expected: string): string {
  const noun = nouns[expected] ?? expected;
  const of = (names: Readonly<Record<string, string>>, key: PropertyKey | undefined): string | undefined =>
    typeof key === "string" && Object.hasOwn(names, key) ? names[key] : undefined;
  if (expected === "array" && typeof input === "string" && /^[^"'\\$]{1,60}$/.test(input.trim()))
    return `${noun}, such as ${JSON.stringify(input.trim().split(/\s+/))}`;
  if (expected === "number" && typeof input === "string" && /^\d+$/.test(input)) return `${noun}: remove the quotes`;
  if (expected === "record" && Array.isArray(input)) {
    const example = of(entryOf, path.at(-1));
    return example === undefined ? noun : `${noun}, with a name in place of each dash, such as ${example}`;
  }
  const short = expected === "object" && (typeof input === "string" || typeof input === "number") ? of(shortFor, path.at(-2)) : undefined;
  return short === undefined ? noun : `${noun}, such as {${short}: ${shown(input)}}`;
}
