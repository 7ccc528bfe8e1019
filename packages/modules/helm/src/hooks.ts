// Hooks of a chart as parts of a set (https://helm.sh/docs/topics/charts_hooks/): what Helm runs before an install or an upgrade comes in an earlier wave,
// what it runs afterwards in a later one. A Job runs again when what it says has changed, and not at each change of something else.
import { createHash } from "node:crypto";
import { deletionPolicyAnnotation, waveAnnotation } from "@threeport/cluster";
import { fields, type KubeObject } from "@threeport/resource";

const hookAnnotation = "helm.sh/hook";
const weightAnnotation = "helm.sh/hook-weight";
const deletePolicyAnnotation = "helm.sh/hook-delete-policy";
const policyAnnotation = "helm.sh/resource-policy";
/** Waves of hooks: their weight from here on. */
const before = -10_000;
const after = 10_000;
const weightMax = 9_999;
const digestLength = 8;
const nameMax = 63;

/** The objects of a chart for a set; hooks of other moments (tests, deletion, rollback) are left out. */
export function withHooks(objects: readonly KubeObject[]): KubeObject[] {
  return objects.flatMap((object) => {
    const { [hookAnnotation]: hook, [weightAnnotation]: weight = "0", [policyAnnotation]: policy } = object.metadata.annotations ?? {};
    const kept = policy === "keep" ? annotated(object, { [deletionPolicyAnnotation]: "orphan" }) : object;
    if (hook === undefined) return [kept];
    const wave = waveOf(new Set(hook.split(",").map((event) => event.trim())), weight);
    return wave === undefined ? [] : [annotated(runsOnce(withoutHook(kept)), wave === 0 ? {} : { [waveAnnotation]: String(wave) })];
  });
}

function waveOf(events: ReadonlySet<string>, weight: string): number | undefined {
  const number = /^-?\d{1,6}$/.test(weight.trim()) ? Math.max(-weightMax, Math.min(weightMax, Number(weight))) : 0;
  if (events.has("pre-install") || events.has("pre-upgrade")) return before + number;
  if (events.has("post-install") || events.has("post-upgrade")) return after + number;
  return events.has("crd-install") ? 0 : undefined; // of Helm 2: such a definition is an object like others
}

function annotated(object: KubeObject, annotations: Readonly<Record<string, string>>): KubeObject {
  if (Object.keys(annotations).length === 0) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, ...annotations } } };
}

function withoutHook(object: KubeObject): KubeObject {
  const { annotations, ...metadata } = object.metadata;
  const rest = Object.entries(annotations ?? {}).filter(([key]) => ![hookAnnotation, weightAnnotation, deletePolicyAnnotation].includes(key));
  return { ...object, metadata: { ...metadata, ...(rest.length === 0 ? {} : { annotations: Object.fromEntries(rest) }) } };
}

/** A Job cannot change: another content is another Job. And it stays when it has ended, since one that is gone would be made again. */
function runsOnce(object: KubeObject): KubeObject {
  if (object.apiVersion !== "batch/v1" || object.kind !== "Job") return object;
  const { ttlSecondsAfterFinished: _, ...spec } = fields(object["spec"]);
  const digest = createHash("sha256")
    .update(JSON.stringify([object.metadata.labels, spec]))
    .digest("hex")
    .slice(0, digestLength);
  const name = `${object.metadata.name.slice(0, nameMax - digestLength - 1).replace(/[-.]+$/, "")}-${digest}`;
  return { ...object, metadata: { ...object.metadata, name }, spec };
}
