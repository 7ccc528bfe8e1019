import {
  getPath,
  pruneAndDefault,
  setPath,
  validateSchema,
  type Kind,
  type KubeObject,
  type ObjectMeta,
  type ScalePaths,
  type StoredObject,
} from "@threeport/resource";
import type { Answer, ApiContext, Caller, ObjectName, WriteOptions } from "../api.ts";
import { scaleKind, type Scale } from "../kinds/scale.ts";
import { invalid } from "./admission.ts";
import { applyObject, checkedConfiguration, type ApplyOptions } from "./apply.ts";
import { parseBody, readObject } from "./body.ts";
import { notFound, versionConflict, type Current } from "./current.ts";
import { untilWritten } from "./until-written.ts";
import { applyPatch, replace, type Patch } from "./update.ts";

/** The Scale of an object. Whose replicas are not set has those that are there: so nobody reads "0" where something runs. */
export function scaleOf(paths: ScalePaths, object: StoredObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const metadata: ObjectMeta = { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp };
  const there = numberAt(object, paths.statusReplicasPath) ?? 0;
  const selector = paths.labelSelectorPath === undefined ? undefined : at(object, paths.labelSelectorPath);
  return {
    kind: scaleKind.kind,
    apiVersion: scaleKind.apiVersion,
    metadata,
    spec: { replicas: numberAt(object, paths.specReplicasPath) ?? there },
    status: { replicas: there, ...(typeof selector === "string" && selector !== "" ? { selector } : {}) },
  };
}

/** The Scale as JSON text, from the stored body of its object. */
export function scaleText(kind: Kind, body: string): string {
  return kind.scale === undefined ? body : JSON.stringify(scaleOf(kind.scale, parseBody(body)));
}

/** PUT of `/scale`. K4: with a version, a stale one is a conflict; without, the newest object is scaled. */
export function updateScale(
  context: ApiContext,
  caller: Caller,
  target: ObjectName,
  body: Uint8Array | string | object,
  options: WriteOptions,
): Promise<Answer> {
  const sent = readObject(body, scaleKind);
  return changeScale(context, caller, target, { options, wanted: () => sent });
}

/** PATCH of `/scale`: of the Scale, not of the object behind it. */
export function patchScale(context: ApiContext, caller: Caller, target: ObjectName, patch: Patch, options: WriteOptions): Promise<Answer> {
  return changeScale(context, caller, target, {
    options,
    wanted: (paths, current) => {
      const scale = scaleOf(paths, current.object);
      const { resourceVersion: _, ...metadata } = scale.metadata; // only a patch that names a version asks for one
      return readObject(applyPatch(scaleKind.schema, { ...scale, metadata }, patch), scaleKind);
    },
  });
}

/** Apply on `/scale`: the manager owns how often the object runs, and nothing else of it. */
export async function applyScale(context: ApiContext, caller: Caller, target: ObjectName, configuration: unknown, options: ApplyOptions): Promise<Answer> {
  const { kind } = target;
  if (kind.scale === undefined) throw notFound(target);
  const scale = checked(target, checkedConfiguration(configuration, { ...target, kind: scaleKind }) as unknown as KubeObject);
  const { name, uid, resourceVersion } = scale.metadata;
  const bare = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name, uid, resourceVersion } };
  const replicas = scale.spec?.replicas;
  const applied = replicas === undefined ? bare : setPath(bare, withoutDot(kind.scale.specReplicasPath), replicas);
  const answer = await applyObject(context, caller, target, applied, { ...options, recordedAs: "scale" });
  return { ...answer, body: scaleText(kind, answer.body) };
}

interface ScaleChange {
  readonly options: WriteOptions;
  wanted(paths: ScalePaths, current: Current): KubeObject;
}

async function changeScale(context: ApiContext, caller: Caller, target: ObjectName, change: ScaleChange): Promise<Answer> {
  const paths = target.kind.scale;
  if (paths === undefined) throw notFound(target);
  const answer = await untilWritten(context, target, async (current) => {
    if (current === undefined) throw notFound(target);
    const scale = checked(target, change.wanted(paths, current));
    const version = scale.metadata.resourceVersion ?? "";
    if (version !== "" && version !== String(current.rv)) throw versionConflict(target);
    if (scale.metadata.uid !== undefined && scale.metadata.uid !== current.uid) throw versionConflict(target);
    const next = setPath(current.object, withoutDot(paths.specReplicasPath), scale.spec?.replicas ?? 0) as KubeObject;
    return replace(context, caller, target, { current, next: { object: next, warnings: [] }, options: { ...change.options, recordedAs: "scale" } });
  });
  return { ...answer, body: scaleText(target.kind, answer.body) };
}

/** Only `spec.replicas` of what was sent is taken, but all of it must be a Scale of this object. */
function checked(target: ObjectName, sent: KubeObject): Scale {
  const { metadata } = sent;
  pruneAndDefault(sent, scaleKind.schema);
  delete sent["status"]; // nobody can say how often something runs
  const causes = [...validateSchema(sent, scaleKind.schema)];
  for (const [field, wanted] of [
    ["name", target.name],
    ["namespace", target.namespace],
  ] as const) {
    if ((metadata[field] ?? wanted) !== wanted)
      causes.push({
        field: `metadata.${field}`,
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(metadata[field])}: must be "${wanted}", as on the URL`,
      });
  }
  if (causes.length > 0) throw invalid(scaleKind, target.name, causes);
  return sent as Scale;
}

function numberAt(object: KubeObject, path: string): number | undefined {
  const value = at(object, path);
  return typeof value === "number" ? value : undefined;
}

function at(object: KubeObject, path: string): unknown {
  return getPath(object, withoutDot(path));
}

function withoutDot(path: string): string {
  return path.startsWith(".") ? path.slice(1) : path;
}
