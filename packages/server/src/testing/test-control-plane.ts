import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, parseKubeconfig, type ConnectionConfig, type KubeClient } from "@threeport/client";
import { silentLogger, systemClock, systemExec, systemRandom, type Clock, type Logger } from "@threeport/platform";
import { isErrorCode, type Condition, type KubeObject, type StoredObject } from "@threeport/resource";
import { migrate, openDatabase, type ConnectionOptions } from "@threeport/store";
import { createTestDatabase } from "@threeport/store/testing";
import { until } from "@threeport/engine/testing";
import { startControlPlane, type ControlPlane } from "../index.ts";

/** The whole control plane, as the server wires it, over a database of its own; met through its API as everybody meets it. */
export interface TestControlPlane extends AsyncDisposable {
  readonly client: KubeClient;
  readonly connection: ConnectionConfig;
  readonly database: ConnectionOptions;
  /** Stops it, gracefully as far as it can reach anything, and starts it again in the same home, after `between`. */
  restart(between?: () => Promise<void>): Promise<void>;
  get<T extends KubeObject = StoredObject>(kind: Kind, name: string, namespace?: string): Promise<T | undefined>;
  create<T extends KubeObject = StoredObject>(object: KubeObject): Promise<T>;
  /** Reads, changes and writes; again when somebody wrote in between. */
  change<T extends KubeObject = StoredObject>(kind: Kind, name: string, change: (object: T) => void): Promise<T>;
  delete(kind: Kind, name: string, namespace?: string): Promise<void>;
  /** Waits until it says Ready of its present generation. */
  ready<T extends KubeObject = StoredObject>(kind: Kind, name: string): Promise<T>;
  /** Waits for a reason in its Ready condition. */
  reason(kind: Kind, name: string, reason: string): Promise<Condition>;
  gone(kind: Kind, name: string): Promise<void>;
  /** A cluster by the name of a runtime: the Secret with its kubeconfig, and the runtime. */
  addRuntime(name: string, kubeconfig: string): Promise<void>;
}

export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface TestControlPlaneOptions {
  readonly log?: Logger;
  readonly clock?: Clock;
  /** Default: a database of its own on the server of the test run. */
  readonly databaseUrl?: string;
  /** Where files of support services are taken from; see `Configuration`. */
  readonly mirror?: string;
}

const group = "threeport.io/v1alpha1";
export const runtimes: Kind = { apiVersion: group, kind: "KubernetesRuntimeInstance", namespaced: false };
export const environments: Kind = { apiVersion: group, kind: "Environment", namespaced: false };
export const definitions: Kind = { apiVersion: group, kind: "WorkloadDefinition", namespaced: true };
export const instances: Kind = { apiVersion: group, kind: "WorkloadInstance", namespaced: true };
export const releases: Kind = { apiVersion: group, kind: "Release", namespaced: true };
export const resourceSets: Kind = { apiVersion: group, kind: "ResourceSet", namespaced: true };

export async function openTestControlPlane(options: TestControlPlaneOptions = {}): Promise<TestControlPlane> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase({ templateKey: "control plane", migrate: migrateTemplate }));
  const home = await mkdtemp(join(tmpdir(), "threeport-test-home-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const tools = {
    clock: options.clock ?? systemClock,
    random: systemRandom,
    exec: systemExec,
    log: options.log ?? silentLogger,
    environment: toolsOf(process.env),
  };
  const configuration = {
    home,
    host: "127.0.0.1",
    port: 0,
    databaseUrl: options.databaseUrl ?? databaseUrlOf(database.connectionOptions as ConnectionOptions),
    pgBinDir: undefined,
    workers: 16,
    verbose: false,
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
  };
  let running: ControlPlane | undefined = await startControlPlane(configuration, tools);
  stack.defer(async () => running?.[Symbol.asyncDispose]());
  const connection = parseKubeconfig(await readFile(join(home, "admin.kubeconfig"), "utf8"));
  const client = stack.use(createClient(connection));

  const target = (kind: Kind, name: string, namespace = "default") => ({
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    name,
    ...(kind.namespaced ? { namespace } : {}),
  });
  const get = async <T extends KubeObject = StoredObject>(kind: Kind, name: string, namespace?: string): Promise<T | undefined> =>
    client.get<T>(target(kind, name, namespace)).catch((error: unknown) => {
      if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
      throw error;
    });
  const create = async <T extends KubeObject = StoredObject>(object: KubeObject): Promise<T> =>
    client.create<T>(
      { apiVersion: object.apiVersion, kind: object.kind, ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }) },
      object,
    );
  const owned = stack.move();
  return {
    client,
    connection,
    database: database.connectionOptions as ConnectionOptions,
    get,
    create,
    async restart(between = () => Promise.resolve()) {
      await running?.[Symbol.asyncDispose]();
      running = undefined;
      await between();
      running = await startControlPlane(configuration, tools);
    },
    async change<T extends KubeObject = StoredObject>(kind: Kind, name: string, change: (object: T) => void): Promise<T> {
      return until(`the change of ${kind.kind} ${name}`, async () => {
        const object = await get<T>(kind, name);
        if (object === undefined) throw new Error(`${kind.kind} ${name} is not there`);
        change(object);
        return client.update<T>(target(kind, name), object).catch((error: unknown) => {
          if (isErrorCode(error, "TP_VERSION_CONFLICT")) return undefined;
          return Promise.reject(error as Error);
        });
      });
    },
    async delete(kind, name, namespace) {
      await client.delete(target(kind, name, namespace));
    },
    ready: <T extends KubeObject = StoredObject>(kind: Kind, name: string) =>
      until(`${kind.kind} ${name} to be ready`, async () => {
        const object = await get<T>(kind, name);
        const ready = conditionOf(object, "Ready");
        if (object !== undefined && ready?.status === "True" && ready.observedGeneration === object.metadata.generation) return object;
        throw new Error(`it says ${JSON.stringify(ready)} of generation ${object?.metadata.generation}`);
      }),
    reason: (kind, name, reason) =>
      until(`${kind.kind} ${name} to say ${reason}`, async () => {
        const ready = conditionOf(await get(kind, name), "Ready");
        if (ready?.reason === reason) return ready;
        throw new Error(`it says ${JSON.stringify(ready)}`);
      }),
    gone: async (kind, name) => {
      await until(`${kind.kind} ${name} to go`, async () => {
        const object = await get(kind, name);
        if (object === undefined) return true;
        throw new Error(`it says ${JSON.stringify(object["status"])}`);
      });
    },
    async addRuntime(name, kubeconfig) {
      await create({ apiVersion: "v1", kind: "Secret", metadata: { name: `kubeconfig-${name}`, namespace: "default" }, stringData: { kubeconfig } });
      await create({
        apiVersion: group,
        kind: "KubernetesRuntimeInstance",
        metadata: { name },
        spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: `kubeconfig-${name}` } } },
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export function conditionOf(object: KubeObject | undefined, type: string): Condition | undefined {
  return ((object?.["status"] as { conditions?: Condition[] } | undefined)?.conditions ?? []).find((condition) => condition.type === type);
}

/** Programs that tests have had are found where they were put; nothing else of the environment counts. */
function toolsOf({ PATH, XDG_CACHE_HOME }: NodeJS.ProcessEnv): Readonly<Record<string, string | undefined>> {
  return { PATH, XDG_CACHE_HOME };
}

/** A DATABASE_URL for a database of the test run, which is reached by a socket. */
export function databaseUrlOf(connection: ConnectionOptions): string {
  const parameters = new URLSearchParams({
    host: String(connection.host),
    user: String(connection.user),
    ...(connection.port === undefined ? {} : { port: String(connection.port) }),
    ...(typeof connection.password === "string" ? { password: connection.password } : {}),
  });
  return `postgres:///${String(connection.database)}?${parameters.toString()}`;
}

async function migrateTemplate(connection: ConnectionOptions): Promise<void> {
  await using database = openDatabase(connection);
  await migrate(database);
}
