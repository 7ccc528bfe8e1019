import type { Kind, KubeObject } from "@threeport/resource";
import { parseBody } from "../pipeline/body.ts";

/** Server-side printing: metav1.Table, which `kubectl get` asks for. */
export type IncludeObject = "Metadata" | "Object" | "None";

export function columnDefinitions(kind: Kind): object[] {
  return [
    ...(kind.nameColumn ? [{ name: "Name", type: "string", format: "name", description: "Unique within its kind and namespace.", priority: 0 }] : []),
    ...kind.columns.map((column) => ({
      name: column.name,
      type: column.type,
      format: column.format ?? "",
      description: column.description,
      priority: column.priority ?? 0,
    })),
  ];
}

/** `nowMs` is the wall clock that ages are counted to. */
export function tableRow(kind: Kind, body: string, options: { readonly include: IncludeObject; readonly nowMs: number }): object {
  const object = parseBody(body);
  return {
    cells: [...(kind.nameColumn ? [object.metadata.name] : []), ...kind.columns.map((column) => cell(column.type, column.value(object), options.nowMs))],
    ...rowObject(object, options.include),
  };
}

function cell(type: string, value: string | number | boolean | null | undefined, nowMs: number): unknown {
  if (value === null) return null;
  if (value === undefined || value === "") return type === "date" ? "<unknown>" : "";
  // kube-apiserver prints ages itself; kubectl prints cells of type date as they are.
  return type === "date" ? age(String(value), nowMs) : value;
}

function rowObject(object: KubeObject, include: IncludeObject): object {
  if (include === "None") return {};
  if (include === "Object") return { object };
  return { object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata } };
}

/** `HumanDuration` of k8s.io/apimachinery: two units at most, coarser with age. */
export function age(timestamp: string, nowMs: number): string {
  const seconds = Math.floor((nowMs - Date.parse(timestamp)) / 1000);
  if (Number.isNaN(seconds)) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return days % 365 === 0 || years >= 8 ? `${years}y` : `${years}y${days % 365}d`;
}

export function table(kind: Kind, input: { rows: readonly object[]; metadata: object; columns: boolean }): object {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: input.metadata,
    columnDefinitions: input.columns ? columnDefinitions(kind) : null,
    rows: input.rows,
  };
}
