import type { ErrorCause, KubeObject } from "@threeport/resource";
import type { ScoreContainer } from "../document.ts";
import { below, invalid } from "../field.ts";
import { expand, type Scope } from "../expand.ts";
import { containerObjectName, podVolumeName } from "./names.ts";

/** What one object of Kubernetes may hold; base64 counts as what it stands for. */
const bytesMax = 1024 * 1024;

export interface RenderedFiles {
  readonly objects: readonly KubeObject[];
  readonly volumes: readonly object[];
  readonly mounts: readonly object[];
  readonly causes: readonly ErrorCause[];
}

/**
 * Each file is mounted by itself, so that what the image has beside it stays visible. Files of a container stand in one ConfigMap; those that hold a secret
 * output, in one Secret.
 */
export function filesOf(
  input: { readonly workload: string; readonly container: string; readonly files: NonNullable<ScoreContainer["files"]>; readonly field: string },
  scope: Scope,
): RenderedFiles {
  const causes: ErrorCause[] = [];
  const [open, secret]: Place[] = [place("ConfigMap"), place("Secret")];
  const mounts: object[] = [];
  Object.entries(input.files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .forEach(([target, file], index) => {
      const key = `file-${index}`;
      const field = below(input.field, target);
      if (file.source !== undefined) {
        causes.push(invalid(below(field, "source"), "only tptctl reads files beside a Score file: deploy with it, or write the content here"));
        return;
      }
      let chosen = open;
      if (file.binaryContent !== undefined) open?.binary.set(key, file.binaryContent);
      else if (file.noExpand === true) open?.text.set(key, file.content ?? "");
      else {
        const expanded = expand(file.content ?? "", below(field, "content"), scope);
        if ("causes" in expanded) {
          causes.push(...expanded.causes);
          return;
        }
        if (expanded.parts.some((part) => part.secret !== undefined)) chosen = secret;
        chosen?.text.set(key, expanded.parts.map(({ text }) => text).join(""));
      }
      chosen?.items.push({ key, path: key, mode: Number.parseInt(file.mode ?? "0644", 8) });
      mounts.push({ name: volumeName(input.container, chosen?.kind ?? "ConfigMap"), mountPath: target, subPath: key, readOnly: true });
    });
  const places = [open, secret].filter((each) => each !== undefined && each.items.length > 0) as Place[];
  for (const each of places)
    if (sizeOf(each) > bytesMax)
      causes.push(
        invalid(
          input.field,
          `files of container ${input.container} have ${sizeOf(each)} bytes together; a cluster keeps at most ${bytesMax}: put large ones into the image, or into a volume`,
        ),
      );
  return {
    objects: places.map((each) => objectOf(each, objectName(input, each.kind))),
    volumes: places.map((each) => ({
      name: volumeName(input.container, each.kind),
      ...(each.kind === "ConfigMap"
        ? { configMap: { name: objectName(input, each.kind), items: each.items } }
        : { secret: { secretName: objectName(input, each.kind), items: each.items } }),
    })),
    mounts,
    causes,
  };
}

interface Place {
  readonly kind: "ConfigMap" | "Secret";
  readonly items: { readonly key: string; readonly path: string; readonly mode: number }[];
  readonly text: Map<string, string>;
  readonly binary: Map<string, string>;
}

function place(kind: Place["kind"]): Place {
  return { kind, items: [], text: new Map(), binary: new Map() };
}

function objectOf({ kind, text, binary }: Place, name: string): KubeObject {
  const metadata = { name };
  if (kind === "Secret") return { apiVersion: "v1", kind, metadata, stringData: Object.fromEntries(text) };
  return {
    apiVersion: "v1",
    kind,
    metadata,
    ...(text.size === 0 ? {} : { data: Object.fromEntries(text) }),
    ...(binary.size === 0 ? {} : { binaryData: Object.fromEntries(binary) }),
  };
}

const sortOf = { ConfigMap: "files", Secret: "secret-files" } as const;

const objectName = ({ workload, container }: { readonly workload: string; readonly container: string }, kind: Place["kind"]): string =>
  containerObjectName(workload, container, sortOf[kind]);

const volumeName = (container: string, kind: Place["kind"]): string => podVolumeName(sortOf[kind], container);

function sizeOf({ text, binary }: Place): number {
  const texts = [...text.values()].reduce((sum, each) => sum + Buffer.byteLength(each), 0);
  return [...binary.values()].reduce((sum, each) => sum + (each.length / 4) * 3, texts);
}
