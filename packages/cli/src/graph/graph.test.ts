import { expect, test } from "vitest";
import type { Dependency, DependencyClaim, Observed, WorkloadInstance } from "../kinds.ts";
import { dotText, mermaidText } from "./draw.ts";
import { graphOf, type Graph, type GraphInput } from "./model.ts";

const ready = (status: "True" | "False") => ({
  conditions: [{ type: "Ready", status, reason: "R", message: "m", lastTransitionTime: "2026-01-01T00:00:00Z" }],
});
const metadata = (name: string) => ({ name, namespace: "default" });
const instance = (name: string, environment: string): WorkloadInstance => ({
  metadata: metadata(name),
  spec: { definition: name, environment },
  status: { ...ready("True"), resourceSet: name },
});
const dependency = (
  name: string,
  more: Partial<Dependency["spec"]> = {},
  { state = "True", services = [] }: { readonly state?: "True" | "False"; readonly services?: readonly { readonly instance: string }[] } = {},
): Dependency => ({
  metadata: metadata(name),
  spec: { environment: "dev", type: "redis", class: "default", profile: "redis-v1", ...more },
  status: { ...ready(state), resourceSet: `dependency.${name}`, ...(services.length === 0 ? {} : { services }) },
});
const claim = (name: string, spec: Partial<DependencyClaim["spec"]>): DependencyClaim => ({
  metadata: metadata(name),
  spec: { environment: "dev", type: "redis", resource: "cache", ...spec },
});
const set = (name: string): Observed => ({ metadata: metadata(name), status: ready("True") });

const input: GraphInput = {
  project: "default",
  instances: [instance("web", "dev"), instance("worker", "production")],
  claims: [
    claim("web.cache", { workload: "web", dependency: "common" }),
    claim("web.queue", { workload: "web", resource: "queue", type: "rabbit" }),
    claim("common.server", { requiredBy: "common", resource: "server", dependency: "server" }),
    claim("worker.cache", { workload: "worker", environment: "production", dependency: "other" }),
    claim("of-nobody.cache", { workload: "gone", dependency: "common" }),
  ],
  dependencies: [
    dependency("common", {}, { state: "False", services: [{ instance: "gateway.one" }] }),
    dependency("server", { type: "redis-server", profile: "redis-server-v1" }),
    dependency("other", { environment: "production" }),
  ],
  services: [set("gateway.one"), set("metrics.one")],
  sets: ["web", "worker", "dependency.common", "dependency.server", "dependency.other", "namespace.dev"].map(set),
};
const ids = ({ nodes }: Graph): string[] => nodes.map(({ id }) => id);
const arrows = ({ edges }: Graph): string[] => edges.map(({ from, relation, to }) => `${from} ${relation} ${to}`);

test("a deployment leads to what it needs, what that requires, and what was made of both; what others need is left out", () => {
  const graph = graphOf(input, { instance: "web" });
  expect(ids(graph)).toEqual([
    "Dependency/common",
    "Dependency/server",
    "DependencyClaim/web.queue",
    "ResourceSet/dependency.common",
    "ResourceSet/dependency.server",
    "ResourceSet/web",
    "SupportServiceInstance/gateway.one",
    "WorkloadInstance/web",
  ]);
  expect(arrows(graph)).toEqual([
    "Dependency/common requires Dependency/server",
    "Dependency/common made ResourceSet/dependency.common",
    "Dependency/common uses SupportServiceInstance/gateway.one",
    "Dependency/server made ResourceSet/dependency.server",
    "WorkloadInstance/web needs Dependency/common",
    "WorkloadInstance/web needs DependencyClaim/web.queue",
    "WorkloadInstance/web made ResourceSet/web",
  ]);
});

test("an environment has its deployments and dependencies; all of a project has everything but sets and services that belong to none of them", () => {
  expect(ids(graphOf(input, { environment: "production" }))).toEqual([
    "Dependency/other",
    "ResourceSet/dependency.other",
    "ResourceSet/worker",
    "WorkloadInstance/worker",
  ]);
  const all = graphOf(input);
  expect(ids(all)).not.toContain("ResourceSet/namespace.dev");
  expect(ids(all)).not.toContain("SupportServiceInstance/metrics.one");
  expect(ids(all)).toHaveLength(12);
  expect(graphOf(input, { instance: "web", environment: "production" })).toEqual({ project: "default", nodes: [], edges: [] });
});

test("a service whose state nobody tells is drawn all the same", () => {
  const { nodes } = graphOf({ ...input, services: [] }, { instance: "web" });
  expect(nodes.find(({ kind }) => kind === "SupportServiceInstance")).toMatchObject({ name: "gateway.one", ready: "Unknown" });
  expect(mermaidText({ project: "p", nodes: nodes.filter(({ kind }) => kind === "SupportServiceInstance"), edges: [] }).split("\n")[1]).toBe(
    '  n0{{"gateway.one<br/>SupportServiceInstance<br/>state unknown"}}',
  );
});

test("dependencies that require each other end the walk", () => {
  const circle: GraphInput = {
    ...input,
    claims: [claim("a.b", { requiredBy: "common", dependency: "server" }), claim("b.a", { requiredBy: "server", dependency: "common" })],
  };
  expect(arrows(graphOf(circle, { environment: "dev" })).filter((arrow) => arrow.includes("requires"))).toEqual([
    "Dependency/common requires Dependency/server",
    "Dependency/server requires Dependency/common",
  ]);
});

/** A name that would end every quote, were it not escaped. */
const odd: Graph = {
  project: 'a"b',
  nodes: [
    { id: 'Dependency/x"]\\', kind: "Dependency", name: 'x"]\\', type: "<b>&#35;", ready: "True" },
    { id: "WorkloadInstance/w", kind: "WorkloadInstance", name: "w\nend", ready: "False" },
  ],
  edges: [{ from: "WorkloadInstance/w", to: 'Dependency/x"]\\', relation: "needs", resource: 'd"b|' }],
};

test("dot quotes what names hold", () => {
  expect(dotText(odd).split("\n")).toEqual([
    'digraph "a\\"b" {',
    "  rankdir=LR;",
    '  "Dependency/x\\"]\\\\" [shape=cylinder, label="x\\"]\\\\\\n<b>&#35;"];',
    expect.stringMatching(/^ {2}"WorkloadInstance\/w" \[shape=box, label="w.*end\\nWorkloadInstance\\nnot ready", style=dashed\];$/),
    '  "WorkloadInstance/w" -> "Dependency/x\\"]\\\\" [label="needs d\\"b|"];',
    "}",
  ]);
});

test("mermaid has numbers for nodes, and for every sign that could mean something", () => {
  expect(mermaidText(odd).split("\n")).toEqual([
    "flowchart LR",
    '  n0[("x#34;#93;#92;<br/>#60;b#62;#38;#35;35#59;")]',
    expect.stringMatching(/^ {2}n1\["w.*end<br\/>WorkloadInstance<br\/>not ready"\]$/),
    '  n1 -->|"needs d#34;b#124;"| n0',
    "  classDef waiting stroke-dasharray: 5 5",
    "  class n1 waiting",
  ]);
});
