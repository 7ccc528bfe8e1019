import { silentLogger, systemClock, systemRandom, type Clock, type Logger } from "@threeport/platform";
import { createAuthority, issue, type Authority, type KeyPair } from "@threeport/platform/pki";
import type { Kind, Objects } from "@threeport/resource";
import { createClient, type KubeClient } from "@threeport/client";
import { createEngine, createMetrics, definitionsReconciler, engineUser, type Engine } from "@threeport/engine";
import { migrate, openDatabase, openStore, type Store, type User } from "@threeport/store";
import { createTestDatabase } from "@threeport/store/testing";
import type { ApiContext } from "../api.ts";
import { authenticateByAny } from "../auth/authenticate.ts";
import { openAuth, type Auth } from "../auth/open-auth.ts";
import { coreReconcilers } from "../core-reconcilers.ts";
import { definitionsResource } from "../crd/definition.ts";
import { followDefinitions } from "../crd/follow-definitions.ts";
import { createApiServer, type ApiServerOptions } from "../http/server.ts";
import { coreKinds } from "../kinds/core.ts";
import { createObjects } from "../objects.ts";
import { createRegistry } from "../registry.ts";
import { createCaller, type Call } from "./call.ts";
import { shelfKind, widgetKind } from "./test-kinds.ts";

export interface TestApi extends AsyncDisposable {
  readonly context: ApiContext;
  readonly store: Store;
  /** Opens the same database as another process of the API would. */
  openReplica(): Promise<Store>;
  readonly port: number;
  readonly caPem: string;
  readonly token: string;
  /** As the administrator. */
  readonly client: KubeClient;
  /** One request as it is; answers of any status come back. */
  readonly call: Call;
  readonly auth: Auth;
  /** A token of a user of that name and these groups. */
  tokenOf(name: string, ...groups: string[]): Promise<string>;
  /** The in-process face of the same API. */
  readonly objects: Objects;
}

export interface TestApiOptions extends Pick<ApiServerOptions, "audit" | "limits" | "subresources"> {
  readonly kinds?: readonly Kind[];
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly ready?: ApiServerOptions["ready"];
  /** Resources with a reconciler. Default: none, so no work is queued for objects' own keys. */
  readonly controlled?: readonly string[];
  readonly ringBytesMax?: number;
  /** How often a store looks for changes of other processes, which it does not hear of otherwise. */
  readonly pollMs?: number;
  /** CustomResourceDefinitions become kinds: with the engine that accepts their names and removes their objects. */
  readonly definitions?: boolean;
}

/** Who signs ServiceAccount tokens in tests. */
export const issuer = "https://threeport.test";
const token = "token-of-the-administrator";
const admin: User = { name: "admin", groups: ["system:masters"] };
const dayMs = 86_400_000;

let pki: Promise<{ caPem: string; authority: Authority; server: KeyPair }> | undefined;

/** Signs the server's certificate, and those of clients that it knows. */
export async function testAuthority(): Promise<Authority> {
  return (await (pki ??= makePki())).authority;
}

async function makePki(): Promise<{ caPem: string; authority: Authority; server: KeyPair }> {
  const times = { nowMs: Date.now(), validForMs: dayMs };
  const authority = await createAuthority({ subject: { commonName: "test-ca" }, ...times });
  return {
    caPem: authority.certificatePem,
    authority,
    server: await issue(authority, { subject: { commonName: "test" }, usages: ["server"], hosts: ["127.0.0.1"], ...times }),
  };
}

/** The whole API over a database of its own, on a free port of loopback, with a client. Has the namespace `default`. */
export async function openTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  await using stack = new AsyncDisposableStack();
  const { caPem, server: certificate } = await (pki ??= makePki());
  const clock = options.clock ?? systemClock;
  const database = stack.use(await createTestDatabase({ templateKey: "api server", migrate: migrateTemplate }));
  const openReplica = (): Promise<Store> =>
    openStore({
      connection: database.connectionOptions,
      keyEncryptionKey: new Uint8Array(32).fill(7),
      clock: systemClock,
      log: silentLogger,
      notify: false,
      connectionsMax: 4,
      ...(options.ringBytesMax === undefined ? {} : { ringBytesMax: options.ringBytesMax }),
      ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
    });
  const store = stack.use(await openReplica());
  const controlled = new Set(options.controlled ?? []);
  if (options.definitions === true) controlled.add(definitionsResource);
  const auth = stack.use(await openAuth({ store, clock, random: systemRandom, log: silentLogger, issuer }));
  const registry = createRegistry([...coreKinds, widgetKind, shelfKind, ...(options.kinds ?? [])]);
  const follower = options.definitions === true ? stack.use(await followDefinitions({ registry, store, clock, log: silentLogger })) : undefined;
  const context: ApiContext = {
    ...(follower === undefined ? {} : { catchUp: follower.catchUp }),
    registry,
    store,
    clock,
    random: systemRandom,
    log: options.log ?? silentLogger,
    authorizer: auth.authorizer,
    controlled: (resource) => controlled.has(resource),
  };
  if (follower !== undefined) stack.use(engineOf(context, store)).start();
  const server = stack.use(
    createApiServer({
      context,
      tls: { keyPem: certificate.privateKeyPem, certificatePem: certificate.certificatePem },
      clientCaPem: caPem,
      authenticate: authenticateByAny([async (presented) => (presented.token === token ? { user: admin } : undefined), auth.authenticate]),
      computed: auth.computed,
      documents: auth.documents,
      ready: options.ready ?? (async () => ({ ok: true, text: "ok" })),
      metrics: async () => "",
      version: "test",
      ...(options.subresources === undefined ? {} : { subresources: options.subresources }),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.audit === undefined ? {} : { audit: options.audit }),
    }),
  );
  const port = await server.listen({ host: "127.0.0.1", port: 0 });
  const client = stack.use(createClient({ server: `https://127.0.0.1:${port}`, caData: caPem, token }));
  const caller = stack.use(createCaller({ port, caPem, token }));
  const objects = createObjects(context, { user: admin, author: { priority: 0, fence: undefined } });
  await objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  const owned = stack.move();
  const tokenOf = async (name: string, ...groups: string[]): Promise<string> => {
    const made = `token-of-${name.replaceAll(/[^\w-]/g, "-")}-${groups.length}`;
    await store.credentials.put(made, { name, groups });
    return made;
  };
  return {
    context,
    store,
    openReplica: async () => owned.use(await openReplica()),
    port,
    caPem,
    token,
    client,
    call: caller.call,
    auth,
    tokenOf,
    objects,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function engineOf(context: ApiContext, store: Store): Engine {
  const { registry, clock, random, log } = context;
  return createEngine({
    store,
    objectsFor: (author) => createObjects(context, { user: engineUser, author }),
    reconcilers: [definitionsReconciler(coreReconcilers({ registry, store }).definitions)],
    clock,
    random,
    log,
    metrics: createMetrics(store.queue),
    owner: "test",
    pollMs: 100,
  });
}

async function migrateTemplate(connection: Parameters<typeof openDatabase>[0]): Promise<void> {
  await using database = openDatabase(connection);
  await migrate(database);
}
