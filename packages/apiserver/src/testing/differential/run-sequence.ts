import { differences, isDocument, withPath, type Json, type JsonDocument } from "./json.ts";
import { knownDifference } from "./known-differences.ts";
import { normalise, openVersions, type Versions } from "./normalise.ts";
import type { Operation, Sequence } from "./operations.ts";
import type { Subject, SubjectAnswer, SubjectCall, SubjectWatch } from "./subject.ts";

/** The first thing in which two servers differed. */
export interface Difference {
  readonly at: string;
  /** As it was sent to the first server. */
  readonly call?: SubjectCall;
  readonly lines: readonly string[];
  /** Sentences of both, for whoever reads it. */
  readonly said: readonly string[];
}

interface Side {
  readonly subject: Subject;
  readonly versions: Versions;
  /** By name of the object: the versions that it was seen in. */
  readonly history: Map<string, { uid: string; versions: string[] }>;
  continueToken: string;
  watch: SubjectWatch | undefined;
}

/** Runs one sequence on both servers, in a namespace of its own; undefined when nobody could tell them apart. */
export async function runSequence(subjects: readonly [Subject, Subject], sequence: Sequence, namespace: string): Promise<Difference | undefined> {
  const sides = subjects.map((subject): Side => ({ subject, versions: openVersions(), history: new Map(), continueToken: "", watch: undefined })) as [
    Side,
    Side,
  ];
  const made = await both(sides, (side) =>
    side.subject.send({ method: "POST", path: "/api/v1/namespaces", contentType: "application/json", body: JSON.stringify({ metadata: { name: namespace } }) }),
  );
  for (const answer of made) if (answer.status !== 201) throw new Error(`no namespace: ${JSON.stringify(answer)}`);
  const collection = pathOf(sequence, namespace, { method: "GET", query: "" });
  await both(sides, async (side) => {
    const listed = await side.subject.send({ method: "GET", path: collection });
    const from = ((listed.body as JsonDocument)["metadata"] as JsonDocument)["resourceVersion"] as string;
    side.watch = await side.subject.watch(`${collection}?watch=true&resourceVersion=${from}`);
  });
  try {
    for (const [index, operation] of sequence.operations.entries()) {
      const found = await runOperation(sides, sequence, operation, namespace);
      if (found === "known") return undefined; // from here on they hold different things
      if (found !== undefined) return { ...found, at: `operation ${index}: ${found.at}` };
    }
    return await compareEnds(sides, sequence, { namespace, collection });
  } finally {
    for (const side of sides) side.watch?.end();
  }
}

async function runOperation(
  sides: readonly [Side, Side],
  sequence: Sequence,
  operation: Operation,
  namespace: string,
): Promise<Difference | "known" | undefined> {
  const calls = await both(sides, async (side): Promise<SubjectCall> => callOf(side, sequence, operation, namespace));
  const answers = await both(sides, (side, index) => side.subject.send(calls[index] as SubjectCall));
  const seen = sides.map((side, index) => look(side, operation, answers[index] as SubjectAnswer)) as [Seen, Seen];
  await removeGenerated(sides, calls[0].path, answers);
  const lines = differences(seen[0], seen[1]);
  if (lines.length === 0) return undefined;
  const verdict = knownDifference({ kind: sequence.kind, operation, call: calls[0], ours: answers[0], theirs: answers[1], lines });
  if (verdict === "same state") return undefined;
  if (verdict === "other state") return "known";
  return { at: `${calls[0].method} ${calls[0].path}`, call: calls[0], lines, said: answers.map((answer) => said(answer)) };
}

interface Seen {
  readonly status: number;
  readonly body: Json | undefined;
  readonly warnings: readonly string[];
}

function look(side: Side, operation: Operation, answer: SubjectAnswer): Seen {
  const { body } = answer;
  if (isDocument(body) && isDocument(body["metadata"]) && operation.query.includes("dryRun=All") === false) {
    const { name, uid, resourceVersion } = body["metadata"];
    if (typeof name === "string" && typeof uid === "string" && typeof resourceVersion === "string") note(side, name, uid, resourceVersion);
    const token = body["metadata"]["continue"];
    if (typeof token === "string") side.continueToken = token;
  }
  return {
    status: answer.status,
    body: operation.method === "HEAD" ? undefined : normalise(body, side.versions),
    warnings: answer.status < 400 ? answer.warnings : [],
  };
}

function note(side: Side, name: string, uid: string, version: string): void {
  const known = side.history.get(name);
  if (known?.uid === uid) {
    if (known.versions.at(-1) !== version) known.versions.push(version);
  } else side.history.set(name, { uid, versions: [version] });
}

/** Names that a server made up differ, so nothing that has one stays. */
async function removeGenerated(sides: readonly [Side, Side], path: string, answers: readonly [SubjectAnswer, SubjectAnswer]): Promise<void> {
  await both(sides, async (side, index) => {
    const { status, body } = answers[index] as SubjectAnswer;
    if (status !== 201 || !isDocument(body) || !isDocument(body["metadata"])) return;
    const { name, generateName, finalizers } = body["metadata"];
    if (typeof generateName !== "string" || typeof name !== "string" || !name.startsWith(generateName.slice(0, 58)) || name === generateName) return;
    const target = `${path.split("?")[0]}/${name}`;
    await side.subject.send({ method: "DELETE", path: target });
    if (Array.isArray(finalizers))
      await side.subject.send({ method: "PATCH", path: target, contentType: "application/merge-patch+json", body: '{"metadata":{"finalizers":null}}' });
  });
}

async function callOf(side: Side, sequence: Sequence, operation: Operation, namespace: string): Promise<SubjectCall> {
  const name = operation.name ?? nameIn(operation.body);
  const fill = (text: string): string => {
    const known = side.history.get(name ?? "");
    if (text === "§version") return known?.versions.at(-1) ?? "1";
    if (text === "§stale") return known?.versions.at(-2) ?? "1";
    if (text === "§uid") return known?.uid ?? "unknown";
    return text === "§namespace" ? namespace : text;
  };
  const path = pathOf(sequence, namespace, operation).replaceAll("§continue", encodeURIComponent(side.continueToken));
  const call = {
    method: operation.method,
    path,
    ...(operation.contentType === undefined ? {} : { contentType: operation.contentType }),
    ...(operation.accept === undefined ? {} : { accept: operation.accept }),
  };
  if (operation.raw !== undefined) return { ...call, body: operation.raw };
  if (operation.body === undefined) return call;
  let body: Json = operation.body;
  if (operation.onStored === true) {
    const stored = await side.subject.send({ method: "GET", path: pathOf(sequence, namespace, { method: "GET", query: "", name: operation.name ?? "" }) });
    if (stored.status === 200) body = { ...(stored.body as JsonDocument), ...(body as JsonDocument) };
  }
  for (const { path: place, value } of operation.changes ?? []) body = withPath(body, place, value) ?? {};
  return { ...call, body: JSON.stringify(filled(body, fill)) };
}

function nameIn(body: Json | undefined): string | undefined {
  const metadata = isDocument(body) ? body["metadata"] : undefined;
  return isDocument(metadata) && typeof metadata["name"] === "string" ? metadata["name"] : undefined;
}

function filled(value: Json, fill: (text: string) => string): Json {
  if (typeof value === "string") return fill(value);
  if (Array.isArray(value)) return (value as Json[]).map((item) => filled(item, fill));
  if (!isDocument(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, fill)]));
}

function pathOf({ kind }: Sequence, namespace: string, operation: Operation): string {
  const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const place = `${base}${kind.namespaced ? `/namespaces/${namespace}` : ""}/${kind.plural}`;
  const name = operation.name === undefined ? "" : `/${encodeURI(operation.name).replaceAll("%25", "%")}`;
  const subresource = operation.subresource === undefined ? "" : `/${operation.subresource}`;
  return `${place}${name}${subresource}${operation.query === "" ? "" : `?${operation.query}`}`;
}

/** Both must hold the same, and must have told those who watch the same story. */
async function compareEnds(
  sides: readonly [Side, Side],
  sequence: Sequence,
  { namespace, collection }: { namespace: string; collection: string },
): Promise<Difference | undefined> {
  const lists = await both(sides, async (side) => side.subject.send({ method: "GET", path: collection }));
  const states = sides.map((side, index) => normalise((lists[index] as SubjectAnswer).body, side.versions));
  const lines = differences(states[0], states[1]);
  if (lines.length > 0) return { at: "the final state", lines, said: [] };
  await both(sides, async (side) => {
    const end = await side.subject.send({
      method: "POST",
      path: collection,
      contentType: "application/json",
      body: JSON.stringify({ metadata: { name: "zz-end" }, ...endFields(sequence, namespace) }),
    });
    const version = isDocument(end.body) && isDocument(end.body["metadata"]) ? end.body["metadata"]["resourceVersion"] : undefined;
    if (typeof version !== "string") throw new Error(`no end: ${JSON.stringify(end)}`);
    await side.watch?.sees(version);
  });
  const stories = sides.map((side) =>
    (side.watch?.events ?? []).flatMap((event) => {
      const { type, object } = event as { type: string; object: JsonDocument };
      const metadata = object["metadata"] as JsonDocument;
      return metadata["generateName"] !== undefined || metadata["name"] === "zz-end" ? [] : [{ type, object: normalise(object, side.versions) }];
    }),
  );
  const told = differences(stories[0], stories[1]);
  return told.length === 0 ? undefined : { at: "what watchers saw", lines: told, said: [] };
}

function endFields({ kind }: Sequence, namespace: string): JsonDocument {
  return kind.kind === "Event" ? { involvedObject: { namespace } } : {};
}

function said(answer: SubjectAnswer): string {
  const message = isDocument(answer.body) ? answer.body["message"] : undefined;
  return `${answer.status} ${typeof message === "string" ? message.slice(0, 500) : JSON.stringify(answer.body)?.slice(0, 500)}`;
}

async function both<T>(sides: readonly [Side, Side], run: (side: Side, index: number) => Promise<T>): Promise<[T, T]> {
  return (await Promise.all(sides.map((side, index) => run(side, index)))) as [T, T];
}
