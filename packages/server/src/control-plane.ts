import { join } from "node:path";
import { createApiServer } from "@threeport/apiserver";
import { createMetrics, resealReconciler, startHousekeeping } from "@threeport/engine";
import { createFetcher } from "@threeport/client";
import { createHelm } from "@threeport/module-helm";
import { createEntrances, kindProvider, kubeconfigProvider, localProvider } from "@threeport/module-runtime";
import { gatewayAddress } from "@threeport/module-support";
import { PlatformError, type Objects } from "@threeport/resource";
import { openStore } from "@threeport/store";
import { adminAccess } from "./admin-access.ts";
import { openAuditLog } from "./audit-log.ts";
import type { Configuration } from "./configuration.ts";
import { openConnection, type OpenConnection } from "./connection.ts";
import { openHome, readIfThere, removeFile, writeJsonFile, type Home } from "./home.ts";
import { homeKeys } from "./home-keys.ts";
import { openCore } from "./core.ts";
import { helmOptions, localOptions } from "./local-options.ts";
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
  const owner = `${process.pid}@${random.suffix(8)}`;
  if (configuration.databaseUrl !== undefined) stack.use(store.presence(owner));
  const fetcher = createFetcher({ mirror: configuration.mirror, allowedRanges: configuration.fetchFrom ?? [], ...proxiesOf(tools.environment) });
  let objects: Objects | undefined;
  const entrances = stack.use(createEntrances({ gatewayOf: async (runtime) => (objects === undefined ? undefined : gatewayAddress(runtime, objects)), log }));
  const { context, auth, modules, subresources, systemObjects, engine } = stack.use(
    await openCore({
      store,
      tools,
      controlPlaneId,
      owner,
      metrics,
      workers: configuration.workers,
      issuer: configuration.issuer,
      providers: {
        kubeconfig: kubeconfigProvider,
        kind: kindProvider({ exec: tools.exec, controlPlaneId }),
        local: localProvider({ ...localOptions(home, tools), entrances }),
      },
      fetcher,
      helm: createHelm({ ...helmOptions(home, tools), fetcher }),
      reconcilers: [resealReconciler(store.reseal)],
    }),
  );
  objects = systemObjects;
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
  stack.use(server); // last in, first out: the API closes before the engine
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
      expiringKinds: () => context.registry.resources().filter((kind) => kind.ttlMs !== undefined),
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

/** Proxies as other programs know them by their environment. */
function proxiesOf(environment: Tools["environment"]): { readonly proxies?: Readonly<Record<string, string | undefined>> } {
  const names = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];
  const proxies = Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
  return proxies["HTTPS_PROXY"] === undefined && proxies["https_proxy"] === undefined ? {} : { proxies };
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
