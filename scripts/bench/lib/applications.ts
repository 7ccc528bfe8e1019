export const definitionsPath = "/apis/threeport.io/v1alpha1/namespaces/default/workloaddefinitions";
export const instancesPath = "/apis/threeport.io/v1alpha1/namespaces/default/workloadinstances";

export interface Application {
  readonly name: string;
  readonly environment: string;
  readonly image: string;
}

/** What is written for an app, in order: its definition and its deployment. */
export type Writes = readonly [definition: Write, instance: Write];

export interface Write {
  readonly path: string;
  readonly body: { readonly metadata: { readonly name: string }; readonly spec: object };
}

/** An app of six objects in the cluster: ServiceAccount, ConfigMap, NetworkPolicy, PodDisruptionBudget, Service, Deployment. */
export function manifestsApp(app: Application): Writes {
  const { name, image } = app;
  const labels = { app: name };
  const objects = [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { "app.yaml": `name: ${name}\n${"# a setting\n".repeat(40)}` } },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name },
      spec: { podSelector: { matchLabels: labels }, policyTypes: ["Ingress"], ingress: [{}] },
    },
    { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name }, spec: { maxUnavailable: 1, selector: { matchLabels: labels } } },
    { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { serviceAccountName: name, containers: [{ name: "main", image, envFrom: [{ configMapRef: { name } }] }] } },
      },
    },
  ];
  return writesOf(app, { manifests: { objects } });
}

/** A Score workload that reads a variable of its environment. */
export function scoreApp(app: Application): Writes {
  const document = {
    apiVersion: "score.dev/v1b1",
    metadata: { name: app.name },
    containers: { main: { image: app.image, variables: { LEVEL: "${resources.env.LEVEL}" } } },
    resources: { env: { type: "environment" } },
  };
  return writesOf(app, { score: { document } });
}

function writesOf({ name, environment }: Application, source: object): Writes {
  const apiVersion = "threeport.io/v1alpha1";
  return [
    { path: definitionsPath, body: { apiVersion, kind: "WorkloadDefinition", metadata: { name }, spec: { source } } as Write["body"] },
    { path: instancesPath, body: { apiVersion, kind: "WorkloadInstance", metadata: { name }, spec: { definition: name, environment } } as Write["body"] },
  ];
}
