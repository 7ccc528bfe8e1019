import { createHash } from "node:crypto";
import type { KubeObject } from "@threeport/resource";

export interface RenderInput {
  readonly objects: readonly KubeObject[];
  readonly definition: string;
  readonly instance: string;
}

/** The documents as they go to the cluster: pure, same input, same bytes. Labels of the user's own stay as they are (C5). */
export function renderManifests(input: RenderInput): KubeObject[] {
  const labels = { "app.kubernetes.io/name": input.definition, "app.kubernetes.io/instance": input.instance, "app.kubernetes.io/managed-by": "threeport" };
  return input.objects.map((object) => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...withinLabelLimit(labels), ...object.metadata.labels } },
  }));
}

/** A label value has at most 63 characters; names may be longer. */
function withinLabelLimit(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, shortened(value, 63)]));
}

/** `<project>-<environment>` (C5): over 63 characters it is cut and ends in a digest, so that two long names stay two. */
export function targetNamespaceOf(project: string, environment: string): string {
  return shortened(`${project}-${environment}`, 63);
}

const digestLength = 8;

function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, digestLength);
  return `${text.slice(0, max - digestLength - 1).replace(/[^a-zA-Z0-9]+$/, "")}-${digest}`;
}

/** The image of each container in documents that hold a pod template, as `Kind/name/container`. */
export function imagesOf(objects: readonly KubeObject[]): { container: string; image: string }[] {
  return objects.flatMap((object) =>
    podSpecs(object).flatMap((spec) =>
      [...list(spec["initContainers"]), ...list(spec["containers"])].flatMap((container) => {
        const { name, image } = record(container);
        return typeof image === "string" ? [{ container: `${object.kind}/${object.metadata.name}/${typeof name === "string" ? name : ""}`, image }] : [];
      }),
    ),
  );
}

function podSpecs(object: KubeObject): Record<string, unknown>[] {
  const spec = record(object["spec"]);
  if (object.kind === "Pod") return [spec];
  const template = record(record(object.kind === "CronJob" ? record(record(spec["jobTemplate"])["spec"])["template"] : spec["template"])["spec"]);
  return Object.keys(template).length === 0 ? [] : [template];
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
