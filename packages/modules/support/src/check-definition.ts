// What is wrong with a definition by itself: told to whoever writes it, with the field.
import { compileTemplate, type Template } from "@threeport/cel";
import { chartCauses } from "@threeport/module-helm";
import type { ErrorCause } from "@threeport/resource";
import type { SupportServiceDefinition } from "./kinds/definition.ts";

type Spec = SupportServiceDefinition["spec"];

/** Names that expressions may read: where; who uses it with which values; certificates that were made. */
const objectVariables = ["runtime", "provider", "users", "certificates"] as const;
const outputVariables = [...objectVariables, "observed"] as const;

/** All parts of a definition that hold expressions, read once. */
export interface DefinitionTemplates {
  readonly objects: Template;
  /** Of each chart. */
  readonly values: readonly Template[];
  /** One for each patch. */
  readonly patches: readonly Template[];
  readonly hosts: Template;
  readonly outputs: Template;
  readonly when: Template;
  readonly foundOutputs: Template;
}

const compiled = new WeakMap<Spec, DefinitionTemplates>();

export function templatesOf(spec: Spec): DefinitionTemplates {
  const known = compiled.get(spec);
  if (known !== undefined) return known;
  const templates = {
    objects: compileTemplate(spec.objects ?? [], objectVariables),
    values: (spec.charts ?? []).map(({ values = {} }) => compileTemplate(values, objectVariables)),
    patches: (spec.patches ?? []).map(({ merge = {} }) => compileTemplate(merge, objectVariables)),
    hosts: compileTemplate(spec.certificates?.hosts ?? [], ["runtime", "users"]),
    outputs: compileTemplate(spec.outputs ?? {}, outputVariables),
    when: compileTemplate(spec.existing?.when ?? true, ["found"]),
    foundOutputs: compileTemplate(spec.existing?.outputs ?? {}, ["found"]),
  };
  compiled.set(spec, templates);
  return templates;
}

export function definitionCauses(spec: Spec): ErrorCause[] {
  const { objects, values, patches, hosts, outputs, when, foundOutputs } = templatesOf(spec);
  return [
    ...((spec.manifests ?? []).length + (spec.charts ?? []).length + (spec.objects ?? []).length === 0
      ? [
          {
            field: "spec",
            reason: "FieldValueRequired",
            message:
              "Required value: say what is installed: manifests: [{url, sha256}], charts: [{chart, release, namespace}], objects: [...], or several of them",
          } as const,
        ]
      : []),
    ...(spec.manifests ?? []).flatMap(({ url }, index) => urlCauses(url, `spec.manifests[${index}].url`)),
    ...(spec.charts ?? []).flatMap(({ chart }, index) => chartCauses(chart, `spec.charts[${index}].chart`, { pinned: true })),
    ...values.flatMap((template, index) => problemsAt(template, (path) => `spec.charts[${index}].values${path === "" ? "" : `.${path}`}`)),
    ...(spec.patches ?? []).flatMap(({ merge, remove, omit }, index) =>
      merge === undefined && remove === undefined && omit !== true ? [invalid(`spec.patches[${index}]`, "write merge, remove or omit: true")] : [],
    ),
    ...problemsAt(objects, (path) => `spec.objects${path}`),
    ...patches.flatMap((patch, index) => problemsAt(patch, (path) => `spec.patches[${index}].merge${path === "" ? "" : `.${path}`}`)),
    ...problemsAt(hosts, () => "spec.certificates.hosts"),
    ...problemsAt(outputs, (path) => `spec.outputs.${path}`),
    ...problemsAt(when, () => "spec.existing.when"),
    ...problemsAt(foundOutputs, (path) => `spec.existing.outputs.${path}`),
  ];
}

function urlCauses(text: string, field: string): ErrorCause[] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "https:" && url.username === "" && url.password === "" ? [] : [invalid(field, "must be an https address without user and password")];
}

function problemsAt({ problems }: Template, at: (path: string) => string): ErrorCause[] {
  return problems.map(({ path, message }) => invalid(at(path), message));
}

function invalid(field: string, message: string): ErrorCause {
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${message}` };
}
