// What is wrong with a profile by itself: told to whoever writes it, with the field (design.md §7).
import { compileTemplate, type Template } from "@threeport/cel";
import { chartCauses } from "@threeport/module-helm";
import type { ErrorCause } from "@threeport/resource";
import type { DependencyProfile } from "./kinds/profile.ts";
import { secretType } from "./project-secret.ts";

/** Names that expressions of profiles may read. CEL keeps `namespace` and `type` for itself. */
export const profileVariables = [
  "params",
  "name",
  "hostLabel",
  "shortName",
  "targetNamespace",
  "project",
  "environment",
  "runtime",
  "need",
  "workload",
  "generated",
  "rotations",
  "requires",
  "services",
] as const;

type Spec = DependencyProfile["spec"];

/** All parts of a profile that hold expressions, read once. */
export interface ProfileTemplates {
  readonly objects: Template;
  readonly values: Template;
  readonly outputs: Template;
  readonly requires: Template;
  readonly services: Template;
}

const compiled = new WeakMap<Spec, ProfileTemplates>();

export function templatesOf(spec: Spec): ProfileTemplates {
  const known = compiled.get(spec);
  if (known !== undefined) return known;
  const read = (value: unknown): Template => compileTemplate(value, profileVariables);
  const templates = {
    objects: read(spec.provisioner.manifests?.objects ?? []),
    values: read(spec.provisioner.helm?.values ?? {}),
    outputs: read(
      Object.fromEntries(Object.entries(spec.outputs ?? {}).flatMap(([name, { value, secretRef }]) => (secretRef === undefined ? [[name, value]] : []))),
    ),
    services: read(Object.fromEntries(Object.entries(spec.services ?? {}).map(([name, { values }]) => [name, values ?? {}]))),
    requires: read(Object.fromEntries(Object.entries(spec.requires ?? {}).map(([name, { params }]) => [name, params ?? {}]))),
  };
  compiled.set(spec, templates);
  return templates;
}

export function profileCauses(spec: Spec): ErrorCause[] {
  const { objects, values, outputs, requires, services } = templatesOf(spec);
  return [
    ...provisionerCauses(spec),
    ...secretCauses(spec),
    ...Object.entries(spec.generated ?? {}).flatMap(([name, text]) => generatorCauses(text, `spec.generated.${name}`)),
    ...(spec.rotatable ?? []).flatMap((name, index) => rotatableCauses(spec, name, `spec.rotatable[${index}]`)),
    ...(spec.provisioner.helm === undefined ? [] : chartCauses(spec.provisioner.helm.chart, "spec.provisioner.helm.chart", { pinned: true })),
    ...problemsAt(values, (path) => `spec.provisioner.helm.values.${path}`),
    ...problemsAt(objects, (path) => `spec.provisioner.manifests.objects${path}`),
    ...Object.entries(spec.outputs ?? {}).flatMap(([name, { value, secretRef }]) =>
      (value === undefined) === (secretRef === undefined) ? [invalid(`spec.outputs.${name}`, "write one of value and secretRef")] : [],
    ),
    ...problemsAt(outputs, (path) => `spec.outputs.${path.replace(/^([^.[]+)/, "$1.value")}`),
    ...problemsAt(services, (path) => `spec.services.${path.replace(/^([^.[]+)/, "$1.values")}`),
    ...problemsAt(requires, (path) => `spec.requires.${path.replace(/^([^.[]+)/, "$1.params")}`),
    ...Object.entries(spec.requires ?? {}).flatMap(([name, required]) =>
      required.type === spec.type && required.class === spec.class
        ? [invalid(`spec.requires.${name}.type`, `${required.type}: a profile cannot require what it meets itself`)]
        : [],
    ),
  ];
}

function provisionerCauses({ provisioner }: Spec): ErrorCause[] {
  const named = Object.keys(provisioner);
  if (named.length === 1) return [];
  const field = "spec.provisioner";
  return [
    named.length === 0
      ? {
          field,
          reason: "FieldValueRequired",
          message: "Required value: say how it is met: manifests: {objects: [...]}, helm: {chart: {...}}, or static: {} with outputs",
        }
      : invalid(field, `${named.join(" and ")}: write one of them`),
  ];
}

/** Whose right to read the Secret is held is told by the type, and outputs are what is in the Secret. */
function secretCauses({ type, provisioner, outputs, requires }: Spec): ErrorCause[] {
  const asked = Object.entries(requires ?? {}).flatMap(([name, required]) =>
    required.type === secretType
      ? [invalid(`spec.requires.${name}.type`, `${secretType}: only workloads can ask for a Secret of their project; name one in outputs.NAME.secretRef`)]
      : [],
  );
  if (provisioner.secret === undefined) return asked;
  return [
    ...asked,
    ...(type === secretType ? [] : [invalid("spec.type", `${type}: provisioner.secret meets the type ${secretType} only`)]),
    ...(Object.keys(outputs ?? {}).length === 0 ? [] : [invalid("spec.outputs", "the values of the Secret are the outputs; remove it")]),
  ];
}

function problemsAt({ problems }: Template, at: (path: string) => string): ErrorCause[] {
  return problems.map(({ path, message }) => invalid(at(path), message));
}

function invalid(field: string, message: string): ErrorCause {
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${message}` };
}

function rotatableCauses({ generated = {} }: Spec, name: string, field: string): ErrorCause[] {
  if (generated[name] !== undefined) return [];
  const names = Object.keys(generated);
  return [invalid(field, `${JSON.stringify(name)}: ${names.length === 0 ? "nothing is generated" : `write a name of spec.generated: ${names.join(", ")}`}`)];
}

/** Shortest and longest password that is made. */
const [passwordMin, passwordMax] = [8, 128];

/** A value that is made once. */
export type Generator = { readonly kind: "password"; readonly length: number } | { readonly kind: "uuid" };

export function readGenerator(text: string): Generator | undefined {
  if (/^\s*uuid\(\s*\)\s*$/.test(text)) return { kind: "uuid" };
  const length = Number(/^\s*password\(\s*(\d{1,3})\s*\)\s*$/.exec(text)?.[1]);
  return length >= passwordMin && length <= passwordMax ? { kind: "password", length } : undefined;
}

function generatorCauses(text: string, field: string): ErrorCause[] {
  if (readGenerator(text) !== undefined) return [];
  return [invalid(field, `${JSON.stringify(text.slice(0, 60))}: write password(N), N from ${passwordMin} to ${passwordMax}, or uuid()`)];
}
