import type { Writes } from "./applications.ts";
import { definitionsPath, instancesPath } from "./applications.ts";

const apiVersion = "threeport.io/v1alpha1";
export const profilesPath = `/apis/${apiVersion}/dependencyprofiles`;
export const claimsPath = `/apis/${apiVersion}/namespaces/default/dependencyclaims`;

/** Profiles of which each requires the next one. A link makes a ConfigMap in the cluster that holds what the link behind it gave. */
export function chainProfiles(length: number): object[] {
  return Array.from({ length }, (_, index) => {
    const last = index === length - 1;
    return profile(`link-${index + 1}`, {
      ...(last ? {} : { requires: { next: { type: `link-${index + 2}` } } }),
      provisioner: {
        manifests: {
          objects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "${name}" }, data: { path: last ? "end" : "${requires.next.path}" } }],
        },
      },
      outputs: { path: { value: last ? "${name}" : "${name}/${requires.next.path}" } },
    });
  });
}

/** A server as far as the control plane is concerned: a generated password, a Secret and a Service; nothing that a cluster takes time for. */
export const thingProfile: object = profile("thing", {
  generated: { password: "password(24)" },
  provisioner: {
    manifests: {
      objects: [
        { apiVersion: "v1", kind: "Secret", metadata: { name: "${name}" }, stringData: { password: "${generated.password}" } },
        { apiVersion: "v1", kind: "Service", metadata: { name: "${name}" }, spec: { selector: { app: "${name}" }, ports: [{ port: 5432 }] } },
      ],
    },
  },
  outputs: { host: { value: "${name}.${targetNamespace}.svc" }, port: { value: 5432 }, password: { value: "${generated.password}", secret: true } },
});

function profile(type: string, spec: object): object {
  return { apiVersion, kind: "DependencyProfile", metadata: { name: `bench-${type}` }, spec: { type, ...spec, deletion: { gracePeriodSeconds: 0 } } };
}

export interface NeedyApp {
  readonly name: string;
  readonly environment: string;
  /** Resources by name. */
  readonly resources: Readonly<Record<string, { readonly type: string; readonly id?: string }>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** A Score workload with needs. */
export function needyApp({ name, environment, resources, variables }: NeedyApp): Writes {
  const document = { apiVersion: "score.dev/v1b1", metadata: { name }, containers: { main: { image: "example.com/app:1", variables } }, resources };
  const written = (kind: string, spec: object) => ({ apiVersion, kind, metadata: { name }, spec });
  return [
    { path: definitionsPath, body: written("WorkloadDefinition", { source: { score: { document } } }) },
    { path: instancesPath, body: written("WorkloadInstance", { definition: name, environment }) },
  ];
}

/** With `each` dependencies of its own, all outputs of which it reads. */
export function appWithThings(name: string, environment: string, each: number): Writes {
  const names = Array.from({ length: each }, (_, index) => `thing-${index + 1}`);
  return needyApp({
    name,
    environment,
    resources: Object.fromEntries(names.map((resource) => [resource, { type: "thing" }])),
    variables: Object.fromEntries(
      names.map((resource, index) => [`URL_${index}`, ["host", "port", "password"].map((output) => `\${resources.${resource}.${output}}`).join(":")]),
    ),
  });
}
