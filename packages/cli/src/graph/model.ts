// What deployments depend on, as a graph: the model that pictures are drawn from.
import { readyOf, type Dependency, type DependencyClaim, type Observed, type WorkloadInstance } from "../kinds.ts";

export interface GraphNode {
  /** `<kind>/<name>`, unique in the project. */
  readonly id: string;
  readonly kind: "WorkloadInstance" | "Dependency" | "DependencyClaim" | "SupportServiceInstance" | "ResourceSet";
  readonly name: string;
  readonly environment?: string;
  /** Of a dependency. */
  readonly type?: string;
  readonly profile?: string;
  readonly ready: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** A deployment needs, a dependency requires others and uses services of the runtime, and both are made as sets of objects. */
  readonly relation: "needs" | "requires" | "uses" | "made";
  /** Name of the need in whoever has it. */
  readonly resource?: string;
}

export interface Graph {
  readonly project: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphInput {
  readonly project: string;
  readonly instances: readonly WorkloadInstance[];
  readonly claims: readonly DependencyClaim[];
  readonly dependencies: readonly Dependency[];
  /** Those of which the state is known: they belong to no project, and not everybody may see them. */
  readonly services: readonly Observed[];
  readonly sets: readonly Observed[];
}

/** What part of it. */
export interface GraphSelection {
  /** Only this deployment and what is below it. */
  readonly instance?: string | undefined;
  readonly environment?: string | undefined;
}

/** Pure; nodes and edges are sorted, so that the same objects give the same picture. */
export function graphOf(input: GraphInput, selection: GraphSelection = {}): Graph {
  const nodes = new Map(nodesOf(input).map((node) => [node.id, node]));
  const edges = edgesOf(input, nodes);
  const starts = [...nodes.values()].filter(
    ({ kind, name, environment }) =>
      (selection.instance === undefined ? !belowOthers.has(kind) : kind === "WorkloadInstance" && name === selection.instance) &&
      (selection.environment === undefined || environment === selection.environment),
  );
  const kept = reachable(
    starts.map(({ id }) => id),
    edges,
  );
  return {
    project: input.project,
    nodes: [...nodes.values()].filter(({ id }) => kept.has(id)).toSorted((a, b) => compare(a.id, b.id)),
    edges: edges.filter(({ from }) => kept.has(from)).toSorted((a, b) => compare(`${a.from} ${a.to}`, `${b.from} ${b.to}`)),
  };
}

/** Drawn where something leads to them. */
const belowOthers: ReadonlySet<GraphNode["kind"]> = new Set<GraphNode["kind"]>(["SupportServiceInstance", "ResourceSet"]);

function nodesOf({ instances, claims, dependencies, services, sets }: GraphInput): GraphNode[] {
  const node = (kind: GraphNode["kind"], object: Observed, more: Partial<GraphNode> = {}): GraphNode => {
    const { name } = object.metadata;
    return { id: `${kind}/${name}`, kind, name, ...more, ready: readyOf(object)[0] };
  };
  const used = new Set(dependencies.flatMap(({ status }) => (status?.services ?? []).map(({ instance }) => instance)));
  const states = new Map(services.map((each) => [each.metadata.name, each]));
  const there = new Set(dependencies.map(({ metadata }) => metadata.name));
  return [
    ...instances.map((each) => node("WorkloadInstance", each, { environment: each.spec.environment })),
    ...dependencies.map((each) => {
      const { environment, type, profile } = each.spec;
      return node("Dependency", each, { environment, type, ...(profile === undefined ? {} : { profile }) });
    }),
    // A need that nothing was made for yet stands for itself.
    ...claims
      .filter(({ spec }) => !there.has(spec.dependency ?? ""))
      .map((each) => node("DependencyClaim", each, { environment: each.spec.environment, type: each.spec.type })),
    ...[...used].map((name) => node("SupportServiceInstance", states.get(name) ?? { metadata: { name } })),
    ...sets.map((each) => node("ResourceSet", each)),
  ];
}

function edgesOf({ instances, claims, dependencies }: GraphInput, nodes: ReadonlyMap<string, GraphNode>): GraphEdge[] {
  const needs = claims.map(({ metadata, spec }): GraphEdge => {
    const from = spec.workload === undefined ? `Dependency/${spec.requiredBy ?? ""}` : `WorkloadInstance/${spec.workload}`;
    const met = `Dependency/${spec.dependency ?? ""}`;
    const to = nodes.has(met) ? met : `DependencyClaim/${metadata.name}`;
    return { from, to, relation: spec.workload === undefined ? "requires" : "needs", resource: spec.resource };
  });
  const made = [
    ...instances.map(({ metadata, status }) => [`WorkloadInstance/${metadata.name}`, status?.resourceSet] as const),
    ...dependencies.map(({ metadata, status }) => [`Dependency/${metadata.name}`, status?.resourceSet] as const),
  ].flatMap(([from, set]): GraphEdge[] => (set === undefined ? [] : [{ from, to: `ResourceSet/${set}`, relation: "made" }]));
  const uses = dependencies.flatMap(({ metadata, status }) =>
    (status?.services ?? []).map(({ instance }): GraphEdge => ({
      from: `Dependency/${metadata.name}`,
      to: `SupportServiceInstance/${instance}`,
      relation: "uses",
    })),
  );
  return [...needs, ...uses, ...made].filter(({ from, to }) => nodes.has(from) && nodes.has(to));
}

function reachable(starts: readonly string[], edges: readonly GraphEdge[]): Set<string> {
  const below = Map.groupBy(edges, ({ from }) => from);
  const seen = new Set(starts);
  for (const id of seen) for (const { to } of below.get(id) ?? []) seen.add(to);
  return seen;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
