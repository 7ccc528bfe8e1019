// What a profile would make: the functions of the reconciler, with marks in place of what nobody knows before it is made.
import { targetNamespaceOf, type Environment } from "@threeport/module-environment";
import { PlatformError, type Objects } from "@threeport/resource";
import { readEnvironment } from "./compute-match.ts";
import { environmentScope, webPorts } from "./environment-scope.ts";
import { finishedObjects } from "./finished-objects.ts";
import { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";
import type { ProfileRendering } from "./kinds/profile-rendering.ts";
import { hostLabelOf, objectNameOf, shortNameOf } from "./names.ts";
import { secretNameOf } from "./project-secret.ts";
import { matchPlaceOf } from "./match.ts";
import { requiredMarks, serviceMarks } from "./required-marks.ts";
import { profileObjects, type ChartTools } from "./profile-objects.ts";
import { paramsFor, renderOutputs, requiredParams, serviceValues, type Problem, type ProfileScope } from "./render-profile.ts";

type Status = NonNullable<ProfileRendering["status"]>;

export async function computeProfileRendering(
  rendering: ProfileRendering,
  namespace: string,
  { objects, ...tools }: Omit<ChartTools, "objects"> & { readonly objects: Objects },
): Promise<ProfileRendering> {
  const { spec } = rendering;
  const profile = await profileOf(spec, objects);
  const environment = spec.environment === undefined ? undefined : await readEnvironment(spec.environment, objects);
  const need = { type: profile.spec.type, class: profile.spec.class, id: example };
  const name = spec.name ?? objectNameOf({ ...need, environment: spec.environment ?? "" });
  const checked = paramsFor(profile.spec, spec.params ?? {});
  if ("causes" in checked) {
    const problems = checked.causes.map(({ field = "", message }) => ({ field: `params${field === "" || field.startsWith("[") ? "" : "."}${field}`, message }));
    return { ...rendering, status: { name, problems } };
  }
  const known = await objects.list<DependencyProfile>(dependencyProfileKind);
  const place = environment === undefined ? undefined : await matchPlaceOf({ environment, runtime: environment.spec.runtime }, objects);
  const required = requiredMarks(profile.spec, { profiles: known, place, given: spec.requires ?? {} });
  const generated = Object.fromEntries(Object.keys(profile.spec.generated ?? {}).map((key) => [key, `<generated.${key}>`]));
  const scope: ProfileScope = {
    params: checked.params,
    name,
    shortName: shortNameOf(name),
    project: namespace,
    ...(environment === undefined ? placeMarks : await placeOf(environment, namespace, objects)),
    need,
    workload: spec.sourceWorkload ?? exampleWorkload,
    generated,
    rotations: Object.fromEntries(Object.keys(generated).map((key) => [key, 0])),
    requires: required.outputs,
    services: serviceMarks(profile.spec, spec.services ?? {}),
  };
  const secrets = { ...Object.fromEntries(Object.entries(generated).map(([key, value]) => [`generated.${key}`, value])), ...required.secrets };
  return {
    ...rendering,
    status: {
      name,
      params: checked.params,
      ...(await answerOf(profile, scope, { secrets, pullSecret: (environment?.spec.registries ?? []).length > 0, tools: { objects, ...tools } })),
    },
  };
}

async function profileOf({ profile, source }: ProfileRendering["spec"], objects: Objects): Promise<DependencyProfile> {
  const { apiVersion, kind } = dependencyProfileKind;
  if (source !== undefined) return { apiVersion, kind, metadata: { name: "" }, spec: source };
  const found = await objects.get<DependencyProfile>({ apiVersion, kind, name: profile ?? "" });
  if (found === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `dependencyprofiles.threeport.io "${profile ?? ""}" not found` });
  return found;
}

const example = "example";
const exampleWorkload: ProfileScope["workload"] = { name: example, kind: "Deployment", service: example, ports: [{ name: "http", port: 80, protocol: "TCP" }] };

type Place = Pick<ProfileScope, "targetNamespace" | "environment" | "runtime" | "hostLabel">;

/** Without an environment; what is no text is as in the sort of environment that profiles are tried for first. */
const placeMarks: Place = {
  targetNamespace: "<targetNamespace>",
  hostLabel: "<hostLabel>",
  environment: { name: "<environment.name>", tier: "development", variables: {}, baseDomain: "<environment.baseDomain>", https: "Optional", ports: webPorts },
  runtime: "<runtime>",
};

async function placeOf(environment: Environment, project: string, objects: Objects): Promise<Place> {
  const { name } = environment.metadata;
  const { runtime } = environment.spec;
  return {
    targetNamespace: targetNamespaceOf(project, name),
    hostLabel: hostLabelOf({ id: example, project, environment: name }),
    environment: await environmentScope(environment, runtime, { objects }),
    runtime,
  };
}

async function answerOf(
  profile: DependencyProfile,
  scope: ProfileScope,
  { secrets, pullSecret, tools }: { readonly secrets: Readonly<Record<string, string>>; readonly pullSecret: boolean; readonly tools: ChartTools },
): Promise<Pick<Status, "problems" | "objects" | "services" | "outputs">> {
  // Each reads what is known when its turn comes.
  const params = requiredParams(profile, { ...scope, requires: {}, services: {} });
  const told = serviceValues(profile, { ...scope, services: {} }, secrets);
  const rendered = await profileObjects(profile, { scope, secrets }, tools);
  const outputs = renderOutputs(profile, scope, secrets);
  const problems = [params, told, rendered, outputs].flatMap((each): readonly Problem[] => ("problems" in each ? each.problems : []));
  if (problems.length > 0 || "problems" in told || "problems" in rendered || "problems" in outputs) return { problems: [...problems] };
  return {
    objects: finishedObjects(rendered.objects, { pullSecret, digest: () => "<digest>" }) as NonNullable<Status["objects"]>,
    ...(Object.keys(told.values).length === 0 ? {} : { services: { ...told.values } }),
    outputs: { values: { ...outputs.values }, secret: { ...outputs.secret, ...givenMarks(profile, scope) } },
  };
}

/** Secrets of operations are not read for a trial. */
function givenMarks({ spec }: DependencyProfile, { need, params }: ProfileScope): Record<string, string> {
  if (spec.provisioner.secret !== undefined) return { "<each key>": `<value of Secret ${secretNameOf({ ...need, params })}>` };
  return Object.fromEntries(
    Object.entries(spec.outputs ?? {}).flatMap(([name, { secretRef }]) =>
      secretRef === undefined ? [] : [[name, `<secretRef ${secretRef.namespace}/${secretRef.name} ${secretRef.key}>`]],
    ),
  );
}
