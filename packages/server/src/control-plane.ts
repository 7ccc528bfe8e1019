import { join } from "node:path";
import {
  coreKinds,
  coreReconcilers,
  createApiServer,
  createObjects,
  createRegistry,
  defaultRoles,
  followDefinitions,
  openAuth,
  type ApiContext,
} from "@threeport/apiserver";
import {
  createEngine,
  definitionsReconciler,
  createMetrics,
  engineUser,
  fanoutReconciler,
  gcReconciler,
  namespaceReconciler,
  resealReconciler,
  startHousekeeping,
  type Reconciler,
} from "@threeport/engine";
import { withKubeconfigRules } from "@threeport/module-runtime";
import { PlatformError, type Kind } from "@threeport/resource";
import { openStore } from "@threeport/store";
import { adminAccess } from "./admin-access.ts";
import { openAuditLog } from "./audit-log.ts";
import type { Configuration } from "./configuration.ts";
import { openConnection, type OpenConnection } from "./connection.ts";
import { openHome, readIfThere, removeFile, writeJsonFile, type Home } from "./home.ts";
import { homeKeys } from "./home-keys.ts";
import { assembleModules, type Modules } from "./modules.ts";
import { renewTls, serverTls, sharedTls } from "./tls.ts";
import type { Tools } from "./tools.ts";

/** The embedded database has one control plane. Each of its connections is a process of 5 to 10 MiB. */
const embedded = { alone: true, connectionsMax: 5 };

export const productVersion = "0.1.0";

export interface ControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly home: Home;
}

/** The composition root: configuration in, everything wired, API ready when this resolves. Disposing stops it gracefully. `opened`: the way to the database, where somebody was before us. */
export async function startControlPlane(configuration: Configuration, tools: Tools, opened?: Promise<OpenConnection>): Promise<ControlPlane> {
  const { clock, random, log } = tools;
  await using stack = new AsyncDisposableStack();
  const home = await openHome(configuration.home);
  const hosts = certificateHosts(configuration.host);
  const [{ connection }, ownTls] = await Promise.all([
    (opened ?? openConnection(configuration, home, tools)).then((each) => stack.use(each)),
    serverTls(home, hosts, clock),
  ]);
  const store = stack.use(
    await openStore({
      connection,
      keyEncryptionKey: homeKeys(home, tools.environment),
      clock,
      log,
      ...(configuration.databaseUrl === undefined ? embedded : {}),
    }),
  );
  const tls = await sharedTls(ownTls, { home, hosts, secrets: store.sharedSecrets, clock });
  const controlPlaneId = await store.maintenance.fact("control-plane-id", random.uuid(clock.now()).slice(-12));

  const metrics = createMetrics(store.queue);
  const reconcilers: Reconciler[] = [];
  const controlled = new Set<string>();
  const registry = createRegistry(coreKinds.map((kind) => (kind.resource === "secrets" ? withKubeconfigRules(kind) : kind)));
  const auth = stack.use(await openAuth({ store, clock, random, log, issuer: configuration.issuer ?? `https://${controlPlaneId}.threeport.local` }));
  const modules: Modules = stack.use(assembleModules({ controlPlaneId, home, tools, store }));
  for (const kind of modules.kinds) registry.add(kind);
  const definitions = stack.use(await followDefinitions({ registry, store, clock, log }));
  const context: ApiContext = {
    registry,
    store,
    clock,
    random,
    log,
    authorizer: auth.authorizer,
    controlled: (resource) => controlled.has(resource),
    catchUp: definitions.catchUp,
  };
  const core = coreReconcilers({ registry, store });
  reconcilers.push(
    fanoutReconciler(store.references, store.queue),
    resealReconciler(store.reseal),
    gcReconciler(core.garbage),
    namespaceReconciler({ ...core.namespaces, namespacedKinds: () => teardownOrder(core.namespaces.namespacedKinds()) }),
    definitionsReconciler(core.definitions),
    ...modules.reconcilers,
  );
  for (const reconciler of reconcilers) controlled.add(reconciler.queue);

  const systemObjects = createObjects(context, { user: engineUser, author: { priority: 1, fence: undefined } });
  await systemObjects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  const subresources = modules.subresources(systemObjects);
  await auth.keepRoles(systemObjects, defaultRoles(registry.all(), subresources));
  const owner = `${process.pid}@${random.suffix(8)}`;
  const engine = createEngine({
    store,
    objectsFor: (author) => createObjects(context, { user: engineUser, author }),
    reconcilers,
    clock,
    random,
    log,
    metrics,
    owner,
    workers: configuration.workers,
  });
  const auditLog = stack.use(openAuditLog(home.logs, { clock, log }));
  const server = createApiServer({
    context,
    tls,
    clientCaPem: tls.caPem,
    authenticate: auth.authenticate,
    computed: new Map([...auth.computed, ...modules.computed(systemObjects)]),
    documents: auth.documents,
    audit: auditLog.record,
    ready: () => readiness(store.reader.currentRv, engine),
    metrics: metrics.text,
    observe: metrics.request,
    version: productVersion,
    subresources,
    ...(configuration.limits === undefined ? {} : { limits: configuration.limits }),
  });
  // Last in, first out: the API closes before the engine, the engine before what it works with.
  if (configuration.databaseUrl !== undefined) stack.use(store.presence(owner));
  stack.use(engine);
  stack.use(server);
  stack.use(renewTls(tls, { home, hosts, clock, log, onRenewed: (renewed) => server.useCertificate(renewed) }));
  const port = await listen(server, configuration, home);
  const url = `https://${configuration.host.includes(":") ? `[${configuration.host}]` : configuration.host}:${port}`;
  await adminAccess({ home, store, random, url, caPem: tls.caPem });
  await writeJsonFile(home.serverFile, { pid: process.pid, url, port, version: productVersion, startedAt: new Date(clock.now()).toISOString() });
  stack.defer(() => removeFile(home.serverFile));
  // The embedded database has one user at a time: what is leased was leased by a process that is dead.
  if (configuration.databaseUrl === undefined) await store.queue.releaseAll();
  engine.start();
  // In the background: the API is ready without it.
  void modules
    .resume(systemObjects)
    .catch((error: unknown) => log.info("clusters could not be looked at after the start; their periodic checks will", { error: String(error) }));
  stack.use(
    startHousekeeping({
      store,
      clock,
      random,
      log,
      objects: systemObjects,
      expiringKinds: () => registry.resources().filter((kind) => kind.ttlMs !== undefined),
    }),
  );
  const owned = stack.move();
  return { url, home, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The port of the last start is kept where any will do, so that kubeconfigs stay true over a restart. */
async function listen(server: { listen(address: { host: string; port: number }): Promise<number> }, configuration: Configuration, home: Home): Promise<number> {
  const remembered = Number((await readIfThere(join(home.folder, "port")))?.trim() ?? "0");
  const tries = configuration.port === 0 && remembered > 0 ? [remembered, 0] : [configuration.port];
  for (const port of tries) {
    try {
      const bound = await server.listen({ host: configuration.host, port });
      await writeJsonFile(join(home.folder, "port"), bound as unknown as object);
      return bound;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE" && port !== tries.at(-1)) continue;
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE")
        throw new PlatformError("TP_UNAVAILABLE", {
          message: `port ${port} on ${configuration.host} is taken; stop what uses it, or start with --port 0 for a free one`,
          cause: error,
        });
      throw error;
    }
  }
  throw new PlatformError("TP_INTERNAL");
}

function certificateHosts(host: string): string[] {
  return ["localhost", "127.0.0.1", "::1", ...(host === "0.0.0.0" || host === "::" ? [] : [host])];
}

async function readiness(currentRv: () => Promise<number>, engine: { readonly healthy: boolean }): Promise<{ ok: boolean; text: string }> {
  const database = await currentRv().then(
    () => true,
    () => false,
  );
  const text = [
    `[${database ? "+" : "-"}]database ${database ? "ok" : "cannot be reached"}`,
    `[${engine.healthy ? "+" : "-"}]engine ${engine.healthy ? "ok" : "has not seen its queue lately"}`,
  ].join("\n");
  return { ok: database && engine.healthy, text: `${text}\n` };
}

/** Contents of a namespace go from what people wrote down to what it rests on: instances first, Secrets last. */
function teardownOrder(kinds: readonly Kind[]): Kind[] {
  const rank = (kind: Kind): number => (kind.group === "" ? (kind.kind === "Secret" ? 3 : 2) : kind.kind.endsWith("Instance") ? 0 : 1);
  return kinds.toSorted((a, b) => rank(a) - rank(b));
}
