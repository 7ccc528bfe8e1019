import type { ErrorCause } from "@threeport/resource";
import { kindAnnotation, serviceNameOf } from "./annotations.ts";
import type { ScoreDocument } from "./document.ts";
import { below } from "./field.ts";
import { identityOf, resourcesOf } from "./identity.ts";
import { expand, expandStrings, type Outputs } from "./expand.ts";
import { readingCauses, resourcesRead } from "./cycle.ts";
import { resourceType } from "./resource-types/index.ts";
import { withRouteDefaults } from "./resource-types/route.ts";
import type { NamedResource, Need, Output, Provision, ProvisionContext, SourceWorkload } from "./resource-types/resource-type.ts";

export interface ProvidedResources {
  readonly outputs: Outputs;
  /** See {@link Scope}. */
  readonly whyNot: (resource: string, key: string) => string;
  readonly causes: readonly ErrorCause[];
  /** Workloads that are named and not there. */
  readonly missing: readonly string[];
  /** What others must provide, as far as its params are known. */
  readonly needs: readonly Need[];
  /** Those of them that are not provided yet. */
  readonly waiting: readonly string[];
}

/** Outputs of all resources: each after those that its params read. */
export function provideResources(document: ScoreDocument, context: ProvisionContext): ProvidedResources {
  const found = new Map<string, (key: string) => Output | undefined>();
  const causes: ErrorCause[] = [];
  const missing = new Set<string>();
  const needs: Need[] = [];
  const waiting: string[] = [];
  const declared = resourcesOf(document);
  const all = new Map(declared.map((named) => [named.name, withRouteDefaults(named, declared)]));
  const outputs: Outputs = (name, key) => found.get(name)?.(key);
  const whyNot = (name: string, key: string): string =>
    all.get(name)?.resource.type === "environment"
      ? `resource ${name} has no ${key} here: add it to spec.variables of the Environment`
      : `resource ${name} has no ${key} here${outputsOf(context.provisions?.get(name))}`;

  causes.push(...readingCauses([...all.values()]));

  const visit = (named: NamedResource): void => {
    if (found.has(named.name) || waiting.includes(named.name)) return;
    for (const other of resourcesRead(named.resource.params)) {
      const next = all.get(other);
      if (next !== undefined && causes.length === 0) visit(next);
    }
    if (causes.length > 0) return;
    const type = resourceType(named.resource.type);
    // What its params read is waited for first.
    if (resourcesRead(named.resource.params).some((other) => waiting.includes(other))) return void waiting.push(named.name);
    const params = expandStrings(named.resource.params ?? {}, below(named.field, "params"), { metadata: document.metadata, outputs, whyNot });
    if ("causes" in params) {
      // What waits for another workload has no outputs yet: that is told, and not what follows from it.
      if (missing.size === 0) causes.push(...params.causes);
      return;
    }
    if (type === undefined) {
      const given = named.resource.params === undefined ? {} : { params: params.value as Record<string, unknown> };
      needs.push({ name: named.name, ...identityOf(named, context.workload ?? document.metadata.name), ...given, workload: sourceOf(document) });
      const provision = context.provisions?.get(named.name);
      if (provision === undefined) waiting.push(named.name);
      else found.set(named.name, (key) => outputOf(provision, key));
      return;
    }
    const provided = type.provide({ ...named, resource: { ...named.resource, params: params.value as Record<string, unknown> } }, context, document);
    if (provided.kind === "invalid") causes.push(...provided.causes);
    else if (provided.kind === "waiting") missing.add(provided.workload);
    else {
      const own = provided.outputs;
      found.set(named.name, typeof own === "function" ? own : (key) => own.get(key));
    }
  };
  for (const named of all.values()) if (causes.length === 0) visit(named);
  return { outputs, whyNot, causes, missing: [...missing].sort(), needs, waiting };
}

function sourceOf(document: ScoreDocument): SourceWorkload {
  const ports = Object.entries(document.service?.ports ?? {}).map(([name, { port, protocol = "TCP" }]) => ({ name, port, protocol }));
  const kind = document.metadata.annotations?.[kindAnnotation] ?? "Deployment";
  return { name: document.metadata.name, kind, service: serviceNameOf(document), ports };
}

function outputOf({ values, secret }: Provision, key: string): Output | undefined {
  if (secret !== undefined && Object.hasOwn(secret.values, key)) return { value: secret.values[key], secret: { name: secret.name, key } };
  return Object.hasOwn(values, key) ? { value: values[key] } : undefined;
}

/** Names alone: some values are secret. */
function outputsOf(provision: Provision | undefined): string {
  const names = [...Object.keys(provision?.values ?? {}), ...Object.keys(provision?.secret?.values ?? {})].toSorted();
  return names.length === 0 ? "" : `; there are ${names.join(", ")}`;
}

/** Other workloads of the project whose names and ports this one reads. */
export function workloadsUsed(document: ScoreDocument): string[] {
  const used = resourcesOf(document).flatMap((named) => resourceType(named.resource.type)?.workloadsOf?.(named) ?? []);
  const plain = used.map((text) => {
    const expanded = expand(text, "", { metadata: document.metadata, outputs: () => undefined });
    return "causes" in expanded ? "" : expanded.parts.map(({ text: part }) => part).join("");
  });
  return [...new Set(plain)].filter((name) => name !== "" && name !== document.metadata.name).sort();
}
