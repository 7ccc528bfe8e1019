import { readingCauses } from "./cycle.ts";
import { compareQuantities, parseQuantity, type ErrorCause } from "@threeport/resource";
import { checkOrder } from "./check-order.ts";
import { checkShape } from "./check-shape.ts";
import type { ScoreContainer, ScoreDocument } from "./document.ts";
import { below, invalid, required, shown } from "./field.ts";
import { identityCauses, resourcesOf } from "./identity.ts";
import { upgradeOldForms } from "./old-forms.ts";
import { checkReference, lex, type Piece } from "./placeholders.ts";
import { resourceType } from "./resource-types/index.ts";
import { routeCauses, routeType } from "./resource-types/route.ts";
import { paramCauses, paramNotices } from "./resource-types/params.ts";
import { secretCauses } from "./resource-types/secret.ts";
import { kubernetesBytes } from "./resource-types/volume.ts";
import { kindAnnotation, serviceNameAnnotation, workloadKinds } from "./annotations.ts";

export type CheckedScore = {
  /** What is read, and is written in another way today or has no effect; each with its field. */
  readonly notices: readonly ErrorCause[];
  /** A field of the document below, as it stands in the given one: where that has a list, an entry has its index. */
  readonly asWritten: (field: string) => string;
} & (
  | { readonly document: ScoreDocument }
  /** What is wrong, each with its field as it is written, and what to write instead. */
  | { readonly causes: readonly ErrorCause[] }
);

/** Reads a parsed YAML document as a Score workload: old forms upgraded, fields, placeholders and resources checked. Pure. */
export function checkScore(given: unknown): CheckedScore {
  const { document, foreign, notices, causes, asWritten } = upgradeOldForms(given);
  if (foreign) return { causes, notices, asWritten };
  const shape = checkShape(document);
  const found = "causes" in shape ? shape.causes : semanticCauses(shape.document);
  const all = [...causes, ...found.map((cause) => ({ ...cause, field: asWritten(cause.field ?? "") }))];
  if (all.length > 0 || "causes" in shape) return { causes: all, notices, asWritten };
  return { document: shape.document, notices: [...notices, ...resourcesOf(shape.document).flatMap(paramNotices)], asWritten };
}

/** More than any pod has, and few enough to compare them all. */
const containersMax = 100;
/** More than any workload needs, and few enough to follow what they read of each other. */
const resourcesMax = 500;

function semanticCauses(document: ScoreDocument): ErrorCause[] {
  const containers = Object.entries(document.containers);
  if (containers.length === 0) return [required("containers", "a workload has at least one container")];
  if (containers.length > containersMax) return [invalid("containers", `${containers.length} containers are too many: a pod has at most ${containersMax}`)];
  const tooMany = numberCauses(document);
  if (tooMany.length > 0) return tooMany;
  return [
    ...annotationCauses(document),
    ...portCauses(document),
    ...containers.flatMap(([name, container]) => containerCauses(document, container, below("containers", name))),
    ...checkOrder(document),
    ...resourceCauses(document),
  ];
}

function annotationCauses({ metadata, service }: ScoreDocument): ErrorCause[] {
  const field = below("metadata", "annotations");
  const kind = metadata.annotations?.[kindAnnotation];
  const name = metadata.annotations?.[serviceNameAnnotation];
  return [
    ...(kind === undefined || workloadKinds.includes(kind)
      ? []
      : [invalid(below(field, kindAnnotation), `${shown(kind)}: write ${workloadKinds.join(" or ")}`)]),
    ...((service?.ports === undefined && kind !== "StatefulSet") || /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name ?? metadata.name)
      ? []
      : [
          invalid(
            name === undefined ? below("metadata", "name") : below(field, serviceNameAnnotation),
            `${shown(name ?? metadata.name)}: the name of a Service begins with a letter, and has a-z 0-9 and -`,
          ),
        ]),
  ];
}

/** A Service has each port once. */
function portCauses({ service }: ScoreDocument): ErrorCause[] {
  const seen = new Map<string, string>();
  return Object.entries(service?.ports ?? {}).flatMap(([name, { port, protocol = "TCP" }]) => {
    const key = `${port}/${protocol}`;
    const before = seen.get(key);
    seen.set(key, before ?? name);
    return before === undefined
      ? []
      : [invalid(below(below("service.ports", name), "port"), `${port}: ${before} has it already; give one of them another port, or remove it`)];
  });
}

function containerCauses(document: ScoreDocument, container: ScoreContainer, field: string): ErrorCause[] {
  const of = (part: string): string => below(field, part);
  const files = Object.entries(container.files ?? {});
  const volumes = Object.entries(container.volumes ?? {});
  return [
    ...imageCauses(container.image, of("image")),
    ...(["livenessProbe", "readinessProbe"] as const).flatMap((name) => {
      const probe = container[name];
      return probe !== undefined && probe.httpGet === undefined && probe.exec === undefined ? [required(of(name), "write httpGet or exec")] : [];
    }),
    ...amountCauses(container, of("resources")),
    ...Object.entries(container.variables ?? {}).flatMap(([name, value]) => placeholderCauses(document, value, below(of("variables"), name))),
    ...files.flatMap(([target, file]) => {
      const here = below(of("files"), target);
      const given = (["content", "binaryContent", "source"] as const).filter((key) => file[key] !== undefined);
      return [
        ...targetCauses(target, here),
        ...(given.length === 1
          ? []
          : [invalid(here, `write exactly one of content, binaryContent and source${given.length === 0 ? "" : `; there are ${given.join(" and ")}`}`)]),
        ...(file.content === undefined || file.noExpand === true ? [] : placeholderCauses(document, file.content, below(here, "content"))),
      ];
    }),
    ...volumes.flatMap(([target, volume]) => {
      const here = below(of("volumes"), target);
      return [
        ...targetCauses(target, here),
        ...(volume.path?.split("/").includes("..") === true
          ? [invalid(below(here, "path"), `${shown(volume.path)}: a path inside the volume is written without ..`)]
          : []),
        ...volumeSourceCauses(document, volume.source, below(here, "source")),
        ...(container.files !== undefined && Object.hasOwn(container.files, target)
          ? [invalid(here, "a file has the same target; give one of them another")]
          : []),
      ];
    }),
  ];
}

/** Nothing is replaced in an image, and no image has these characters. */
function imageCauses(image: string, field: string): ErrorCause[] {
  if (image.trim() !== image) return [invalid(field, `${shown(image)}: remove the spaces around it`)];
  return image.includes("${")
    ? [invalid(field, `${shown(image)}: placeholders are not replaced in an image: write ".", and give the image when it is deployed: --image IMAGE`)]
    : [];
}

/** Kubernetes mounts at absolute paths, and splits at colons. */
function targetCauses(target: string, field: string): ErrorCause[] {
  if (!target.startsWith("/"))
    return [invalid(field, `${shown(target)}: a target is an absolute path in the container; write /${target.replace(/^[./]+/, "")}`)];
  if (/^\/+$/.test(target)) return [invalid(field, `${shown(target)}: this would hide the whole image; write a path below it`)];
  if (target.includes(":")) return [invalid(field, `${shown(target)}: a target cannot have a colon`)];
  return target.split("/").includes("..") ? [invalid(field, `${shown(target)}: write the path without ..`)] : [];
}

function volumeSourceCauses(document: ScoreDocument, source: string, field: string): ErrorCause[] {
  const [piece, ...more] = lex(source);
  const name = piece?.kind === "reference" && more.length === 0 && piece.path.length === 2 && piece.path[0] === "resources" ? piece.path[1] : undefined;
  if (name === undefined) {
    const meant = document.resources !== undefined && Object.hasOwn(document.resources, source) ? source : "NAME";
    const more = meant === "NAME" ? ", the name of a resource of type volume" : "";
    return [invalid(field, `${shown(source)}: write \${resources.${meant}}${more}`)];
  }
  const resource = Object.hasOwn(document.resources ?? {}, name) ? document.resources?.[name] : undefined;
  if (resource === undefined) return [invalid(field, `there is no resource ${name}: add it under resources, with type: volume`)];
  return resource.type === "volume" ? [] : [invalid(field, `resource ${name} is a ${resource.type}, and only a volume can be mounted`)];
}

function amountCauses({ resources }: ScoreContainer, field: string): ErrorCause[] {
  return (["cpu", "memory"] as const).flatMap((what) => {
    const [request, limit] = [resources?.requests?.[what], resources?.limits?.[what]];
    if (request === undefined || limit === undefined) return [];
    const [wanted, most] = [parseQuantity(kubernetesBytes(request)), parseQuantity(kubernetesBytes(limit))];
    return compareQuantities(wanted, most) <= 0
      ? []
      : [
          invalid(
            below(below(field, "requests"), what),
            `${request} is more than the limit of ${limit}, and no cluster takes that: raise the limit, or ask for less`,
          ),
        ];
  });
}

function placeholderCauses(document: ScoreDocument, text: string, field: string): ErrorCause[] {
  return lex(text).flatMap((piece) => (piece.kind === "text" ? [] : referenceCauses(document, piece, field)));
}

function referenceCauses(document: ScoreDocument, piece: Extract<Piece, { kind: "reference" }>, field: string): ErrorCause[] {
  const resources = document.resources ?? {};
  const causes = checkReference(piece, { field, names: Object.keys(resources), metadata: document.metadata });
  const [root, name = "", key] = piece.path;
  if (causes.length > 0 || root !== "resources") return causes;
  const type = resourceType(resources[name]?.type ?? "");
  if (key === undefined) {
    const outputs = type?.outputNames === undefined ? "NAME" : (type.outputNames[0] ?? "");
    return [
      invalid(
        field,
        outputs === ""
          ? `\${${piece.source}}: a ${type?.type ?? "volume"} is mounted, as source of a volume; it has no value`
          : `\${${piece.source}}: say which output, such as \${${piece.source}.${outputs}}`,
      ),
    ];
  }
  if (type?.outputNames === undefined || type.outputNames.includes(key)) return [];
  return [invalid(field, `\${${piece.source}}: ${outputsThere(type.type, type.outputNames)}`)];
}

function outputsThere(type: string, names: readonly string[]): string {
  if (names.length === 0) return `a resource of type ${type} has no outputs; mount it as source of a volume`;
  if (names.length === 1) return `a resource of type ${type} has only the output ${names.join("")}${type === "service" ? ", the host that is called" : ""}`;
  return `a resource of type ${type} has the outputs ${names.join(", ")}`;
}

function numberCauses({ resources = {} }: ScoreDocument): ErrorCause[] {
  const { length } = Object.keys(resources);
  return length > resourcesMax ? [invalid("resources", `${length} resources are too many: a workload has at most ${resourcesMax}`)] : [];
}

/** What is wrong with the resources of a document by themselves, where only those are provided that something outside of a workload provides. */
export function resourceCausesOf(document: ScoreDocument): ErrorCause[] {
  if (Object.keys(document.resources ?? {}).length === 0) return [];
  const tooMany = numberCauses(document);
  if (tooMany.length > 0) return tooMany;
  // Names of definitions may be longer than those of workloads.
  const shape = checkShape({ ...document, metadata: { name: "manifests" }, containers: { main: { image: "." } } });
  if ("causes" in shape) return [...shape.causes];
  const inside = resourcesOf(document).flatMap(({ field, resource }) =>
    resourceType(resource.type) === undefined
      ? []
      : [invalid(below(field, "type"), `${shown(resource.type)}: this type is for Score files; manifests say it themselves`)],
  );
  return inside.length > 0 ? inside : resourceCauses(document);
}

function resourceCauses(document: ScoreDocument): ErrorCause[] {
  return [
    ...resourcesOf(document).flatMap((named) => {
      const type = resourceType(named.resource.type);
      return [
        ...paramCauses(named),
        ...(type?.check(named, document) ?? secretCauses(named)),
        ...(named.resource.type === routeType ? routeCauses(named, document) : []),
        ...stringsIn(named.resource.params, below(named.field, "params")).flatMap(([text, field]) => placeholderCauses(document, text, field)),
      ];
    }),
    ...identityCauses(document),
    ...readingCauses(resourcesOf(document)),
  ];
}

/** Every text in params, at any depth; keys are not expanded. */
function stringsIn(value: unknown, field: string): [text: string, field: string][] {
  if (typeof value === "string") return [[value, field]];
  if (Array.isArray(value)) return value.flatMap((each: unknown, index) => stringsIn(each, below(field, index)));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => stringsIn(each, below(field, key)));
}
