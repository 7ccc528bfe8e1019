// Credentials of an environment's registries: read from Secrets of the control plane, put as one Secret into each target namespace, used by each pod.
import type { ReconcileContext } from "@threeport/engine";
import { fields, type KubeObject, type StoredObject } from "@threeport/resource";
import type { Environment } from "./environment-kind.ts";

/** The Secret in each target namespace that pods pull images with. */
export const pullSecretName = "threeport-registries";

export type Registry = NonNullable<Environment["spec"]["registries"]>[number];

export interface Credential {
  readonly server: string;
  /** resourceVersion of the Secret. */
  readonly secretVersion: string;
  /** `username:password`, as a registry takes it. */
  readonly basic: string;
}

/** Reads each registry's Secret. A string says which one cannot be used, why, and what to do. */
export async function readCredentials(environment: Environment, context: Pick<ReconcileContext, "objects">): Promise<readonly Credential[] | string> {
  const found: Credential[] = [];
  for (const registry of environment.spec.registries ?? []) {
    const { namespace, name } = registry.secretRef;
    const secret = await context.objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace, name });
    if (secret === undefined)
      return `there is no Secret ${name} in namespace ${namespace} for registry ${registry.server}: kubectl create secret docker-registry ${name} -n ${namespace} --docker-server=${registry.server} --docker-username=… --docker-password=…`;
    const basic = basicOf(secret, registry.server);
    if (basic === undefined)
      return `Secret ${namespace}/${name} has no credentials for registry ${registry.server}: it needs username and password, or a .dockerconfigjson with an entry for ${registry.server}`;
    found.push({ server: registry.server, secretVersion: secret.metadata.resourceVersion ?? "", basic });
  }
  return found;
}

function basicOf(secret: KubeObject, server: string): string | undefined {
  const value = (key: string): string | undefined => {
    const encoded = fields(secret["data"])[key];
    return typeof encoded === "string" ? Buffer.from(encoded, "base64").toString("utf8") : undefined;
  };
  const [username, password, config] = [value("username"), value("password"), value(".dockerconfigjson")];
  if (username !== undefined && password !== undefined) return `${username}:${password}`;
  return config === undefined ? undefined : fromDockerConfig(config, server);
}

/** The entry of a Docker configuration for a registry. Its keys may be addresses, as `docker login` writes them. */
function fromDockerConfig(text: string, server: string): string | undefined {
  let auths: Readonly<Record<string, unknown>>;
  try {
    auths = fields(fields(JSON.parse(text))["auths"]);
  } catch {
    return undefined; // told as a Secret without credentials
  }
  const entry = fields(Object.entries(auths).find(([key]) => hostOf(key) === hostOf(server))?.[1]);
  const { auth, username, password } = entry;
  if (typeof auth === "string") return Buffer.from(auth, "base64").toString("utf8");
  return typeof username === "string" && typeof password === "string" ? `${username}:${password}` : undefined;
}

/** Docker's own registry goes by several names. */
const dockerHub: ReadonlySet<string> = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

function hostOf(key: string): string {
  const host = key.replace(/^[a-z]+:\/\//i, "").split("/")[0] ?? "";
  return dockerHub.has(host) ? "docker.io" : host;
}

/** The kubelet looks for credentials of Docker's own registry under this key, which `docker login` writes too. */
const keyOf = (server: string): string => (hostOf(server) === "docker.io" ? "https://index.docker.io/v1/" : server);

/** The Secret that a target namespace gets; undefined where the environment has no registries. */
export function pullSecret(credentials: readonly Credential[]): KubeObject | undefined {
  if (credentials.length === 0) return undefined;
  const auths = Object.fromEntries(credentials.map(({ server, basic }) => [keyOf(server), { auth: Buffer.from(basic).toString("base64") }]));
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: pullSecretName },
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") },
  };
}
