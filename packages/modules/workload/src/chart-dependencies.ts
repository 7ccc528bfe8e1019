// What a chart depends on, and the outputs that its values read: `${resources.NAME.OUTPUT}`. Everything else in values is the chart's business.
import type { ErrorCause } from "@threeport/resource";
import { textOf, type ScoreDocument } from "@threeport/score";
import { causesBelow, documentWith, repeatedNames } from "./manifest-dependencies.ts";
import type { ManifestDependency } from "./source.ts";

/** `$${resources.…}` is text. Names of dependencies and outputs have no braces in them. */
const reference = /\$?\$\{resources\.([^}]*)\}/g;

/** What is wrong with the dependencies of a chart, and with values that read them, below `field`. */
export function chartDependencyCauses(
  {
    values = {},
    dependencies = [],
  }: { readonly values?: Readonly<Record<string, unknown>> | undefined; readonly dependencies?: readonly ManifestDependency[] | undefined },
  { name, field }: { readonly name: string; readonly field: string },
): ErrorCause[] {
  const known = new Set(dependencies.map((dependency) => dependency.name));
  return [
    ...repeatedNames(dependencies, `${field}.dependencies`),
    ...causesBelow(documentOfChart(name, dependencies), dependencies, `${field}.dependencies`),
    ...readsOf(values, `${field}.values`).flatMap(({ at, dependency, output, text }): ErrorCause[] => {
      const there = known.size === 0 ? "the chart has none" : `there are ${[...known].join(", ")}`;
      if (!known.has(dependency))
        return [
          { field: at, reason: "FieldValueInvalid", message: `Invalid value: "${text}": there is no dependency ${JSON.stringify(dependency)}; ${there}` },
        ];
      return output === ""
        ? [{ field: at, reason: "FieldValueInvalid", message: `Invalid value: "${text}": say which output: \${resources.${dependency}.OUTPUT}` }]
        : [];
    }),
  ];
}

/**
 * The dependencies as resources of a Score document. Which ports the chart's Services have is known where it is rendered only, so a route's own port
 * stands for them.
 */
export function documentOfChart(name: string, dependencies: readonly ManifestDependency[]): ScoreDocument {
  const ports = dependencies.flatMap(({ type, params }) => {
    const port = Number(params?.["port"]);
    return type === "route" && Number.isInteger(port) ? [port] : [];
  });
  return documentWith(name, dependencies, Object.fromEntries((ports.length === 0 ? [80] : ports).map((port) => [`port-${port}`, { port }])));
}

interface Read {
  readonly at: string;
  readonly dependency: string;
  readonly output: string;
  /** As it is written. */
  readonly text: string;
}

/** All that values of any depth read. */
export function readsOf(value: unknown, at: string): readonly Read[] {
  if (typeof value === "string")
    return [...value.matchAll(reference)].flatMap(([text, path = ""]) => {
      const [dependency = "", ...output] = path.split(".");
      return text.startsWith("$$") ? [] : [{ at, dependency, output: output.join("."), text }];
    });
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => readsOf(item, `${at}[${index}]`));
  return typeof value === "object" && value !== null ? Object.entries(value).flatMap(([key, item]) => readsOf(item, `${at}.${key}`)) : [];
}

/** The values with outputs in their places. A text that is one reference and nothing else takes the output as it is: a port stays a number. */
export function withOutputsIn(value: unknown, output: (dependency: string, key: string) => unknown): unknown {
  if (typeof value === "string") {
    const [whole] = readsOf(value, "");
    if (whole !== undefined && whole.text === value) return output(whole.dependency, whole.output);
    return value.replaceAll(reference, (text, path: string) => {
      const [dependency = "", ...key] = path.split(".");
      return text.startsWith("$$") ? text.slice(1) : textOf(output(dependency, key.join(".")));
    });
  }
  if (Array.isArray(value)) return value.map((item: unknown) => withOutputsIn(item, output));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withOutputsIn(item, output)]));
}
