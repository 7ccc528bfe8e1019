// What is wrong with an Environment beyond its schema.
import { compareQuantities, deepEqual, parseQuantity, type ErrorCause, type Quantity } from "@threeport/resource";
import type { Environment } from "./environment-kind.ts";
import { countedResources, quotaCauses } from "./quota-schema.ts";
import { ttlCauses } from "./ttl.ts";

type Spec = Environment["spec"];

export function environmentCauses({ metadata, spec }: Environment, old: Environment | undefined): ErrorCause[] {
  const { registries = [] } = spec;
  return [
    ...registries.flatMap(({ server }, index) => serverCauses(server, `spec.registries[${index}].server`)),
    ...quotaCauses(spec.quota),
    ...ttlCauses(spec),
    ...runtimeCauses(spec, old?.spec),
    ...cloneCauses(metadata.name, spec, old?.spec),
    ...typeCauses(spec),
    ...defaultCauses(spec),
  ];
}

const forbidden = (field: string, message: string): ErrorCause => ({ field, reason: "FieldValueForbidden", message: `Forbidden: ${message}` });
const required = (field: string, message: string): ErrorCause => ({ field, reason: "FieldValueRequired", message: `Required value: ${message}` });
const invalid = (field: string, value: string, message: string): ErrorCause => ({
  field,
  reason: "FieldValueInvalid",
  message: `Invalid value: ${JSON.stringify(value.slice(0, 100))}: ${message}`,
});

/** A name or labels; once it is chosen both stand there, and the choice stays (§5.6). */
function runtimeCauses({ runtime, runtimeSelector, cloneOf }: Spec, old: Spec | undefined): ErrorCause[] {
  const causes: ErrorCause[] = [];
  if (runtimeSelector !== undefined && Object.keys(runtimeSelector.matchLabels).length === 0)
    causes.push(required("spec.runtimeSelector.matchLabels", "name at least one label"));
  const wasChosen = old?.runtimeSelector !== undefined;
  if (runtimeSelector === undefined) {
    if (runtime === "" && cloneOf === undefined)
      causes.push(required("spec.runtime", "name a runtime (tptctl runtime list), or write runtimeSelector: {matchLabels: {…}}"));
  } else if (!wasChosen && runtime !== "") {
    causes.push(forbidden("spec.runtimeSelector", "say one of runtime and runtimeSelector"));
  } else if (wasChosen && !deepEqual(old.runtimeSelector, runtimeSelector) && old.runtime !== "") {
    causes.push(forbidden("spec.runtimeSelector", `runtime ${old.runtime} was chosen by it, and stays; remove runtimeSelector to name another runtime`));
  } else if (wasChosen && old.runtime !== "" && old.runtime !== runtime) {
    causes.push(forbidden("spec.runtime", `${old.runtime} was chosen by runtimeSelector; remove that to name another runtime`));
  }
  return causes;
}

function cloneCauses(name: string, spec: Spec, old: Spec | undefined): ErrorCause[] {
  const { cloneOf, project } = spec;
  const causes: ErrorCause[] = [];
  if (old !== undefined && old.project !== project)
    causes.push(forbidden("spec.project", "whose an environment is cannot change; make another environment, and delete this one"));
  if (old !== undefined && old.cloneOf?.environment !== cloneOf?.environment)
    causes.push(forbidden("spec.cloneOf", "a clone is made once; make another environment, and delete this one"));
  if (old?.cloneOf?.generation !== undefined && old.cloneOf.generation !== cloneOf?.generation)
    causes.push(forbidden("spec.cloneOf.generation", "it says what was taken; leave it out"));
  if (old !== undefined || cloneOf === undefined) return causes;
  if (cloneOf.generation !== undefined) causes.push(forbidden("spec.cloneOf.generation", "the control plane writes it; leave it out"));
  if (project === undefined) causes.push(required("spec.project", "a clone belongs to one project, whose deployments it takes"));
  if (cloneOf.environment === name) causes.push(invalid("spec.cloneOf.environment", name, "an environment cannot be a clone of itself"));
  for (const field of ["allow", "quota", "dependencies"] as const)
    if (spec[field] !== undefined) causes.push(forbidden(`spec.${field}`, `a clone begins with what environment ${cloneOf.environment} says; leave it out`));
  return causes;
}

function typeCauses({ dependencies }: Spec): ErrorCause[] {
  const both = (dependencies?.deniedTypes ?? []).filter((type) => dependencies?.allowedTypes?.includes(type) === true);
  return both.map((type) => invalid("spec.dependencies.deniedTypes", type, "stands in allowedTypes too; remove it from one of them"));
}

function defaultCauses({ defaults }: Spec): ErrorCause[] {
  const { requests, limits } = defaults?.resources ?? {};
  return countedResources.flatMap((resource) => {
    const [request, limit] = [requests?.[resource], limits?.[resource]];
    const at = (list: "requests" | "limits"): string => `spec.defaults.resources.${list}.${resource}`;
    const causes = [...amountCauses(request, at("requests")), ...amountCauses(limit, at("limits"))];
    const [asked, most] = [amountOf(request), amountOf(limit)];
    if (causes.length === 0 && asked !== undefined && most !== undefined && compareQuantities(asked, most) > 0)
      causes.push(invalid(at("requests"), request ?? "", `is more than the limit ${limit ?? ""}; lower it, or raise ${at("limits")}`));
    return causes;
  });
}

function amountCauses(text: string | undefined, field: string): ErrorCause[] {
  if (text === undefined) return [];
  const amount = amountOf(text);
  return amount === undefined || amount.nanos < 0n ? [invalid(field, text, "is no amount; write for example 500m, 2 or 64Mi")] : [];
}

function amountOf(text: string | undefined): Quantity | undefined {
  if (text === undefined) return undefined;
  try {
    return parseQuantity(text);
  } catch {
    return undefined;
  }
}

/** A host with an optional port: as image names begin, which is how a container runtime finds its credentials. */
const serverForm = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?$/;

function serverCauses(server: string, field: string): ErrorCause[] {
  if (serverForm.test(server)) return [];
  const host = /^(?:[a-z]+:\/\/)?([^/]+)/i.exec(server)?.[1]?.toLowerCase() ?? "";
  return [
    invalid(
      field,
      server,
      `must be a host as image names begin with, and a port where they have one${serverForm.test(host) ? `; write ${host}` : ", for example ghcr.io"}`,
    ),
  ];
}
