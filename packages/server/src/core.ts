import {
  coreKinds,
  coreReconcilers,
  createObjects,
  createRegistry,
  defaultRoles,
  demand,
  followDefinitions,
  openAuth,
  type AdmittedWrite,
  type ApiContext,
  type Auth,
  type Authorizer,
} from "@threeport/apiserver";
import {
  createEngine,
  definitionsReconciler,
  engineUser,
  fanoutReconciler,
  gcReconciler,
  namespaceReconciler,
  type Engine,
  type EngineMetrics,
  type Reconciler,
} from "@threeport/engine";
import { withKubeconfigRules } from "@threeport/module-runtime";
import { deepEqual, type Kind, type Objects } from "@threeport/resource";
import type { User, WorkStore } from "@threeport/store";
import { assembleModules, type AdmissionRules, type WriterRights, type Modules, type ModulesInput } from "./modules.ts";

export interface CoreOptions extends Omit<ModulesInput, "store"> {
  readonly store: WorkStore;
  /** Names this process in leases. */
  readonly owner: string;
  readonly metrics: EngineMetrics;
  /** Keys that the engine works on at the same time. */
  readonly workers?: number;
  /** Of the tokens that we sign. */
  readonly issuer?: string | undefined;
  /** Of the store's own, beside those of objects. */
  readonly reconcilers?: readonly Reconciler[];
}

/** A control plane without its API server: objects with their admission, and the engine, which is not started yet. */
export interface Core extends AsyncDisposable {
  readonly context: ApiContext;
  readonly auth: Auth;
  readonly modules: Modules;
  readonly subresources: ReturnType<Modules["subresources"]>;
  /** Objects on behalf of the control plane itself. */
  readonly systemObjects: Objects;
  readonly engine: Engine;
}

/** Wires kinds, admission, modules and the engine over a store. Disposing stops the engine, then what it works with. */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { store, controlPlaneId } = options;
  const { clock, random, log } = options.tools;
  await using stack = new AsyncDisposableStack();
  const registry = createRegistry(coreKinds.map((kind) => (kind.resource === "secrets" ? withKubeconfigRules(kind) : kind)));
  const auth = stack.use(await openAuth({ store, clock, random, log, issuer: options.issuer ?? `https://${controlPlaneId}.threeport.local` }));
  const modules = stack.use(assembleModules(options));
  for (const kind of modules.kinds) registry.add(kind);
  const definitions = stack.use(await followDefinitions({ registry, store, clock, log }));
  const controlled = new Set<string>();
  let rules: AdmissionRules = new Map();
  const context: ApiContext = {
    registry,
    store,
    clock,
    random,
    log,
    authorizer: auth.authorizer,
    controlled: (resource) => controlled.has(resource),
    admit: (write) => holdPeople(write, rules, auth.authorizer),
    catchUp: definitions.catchUp,
  };
  const core = coreReconcilers({ registry, store });
  const reconcilers: readonly Reconciler[] = [
    fanoutReconciler(store.references, store.queue),
    ...(options.reconcilers ?? []),
    gcReconciler(core.garbage),
    namespaceReconciler({ ...core.namespaces, namespacedKinds: () => teardownOrder(core.namespaces.namespacedKinds()) }),
    definitionsReconciler(core.definitions),
    ...modules.reconcilers,
  ];
  for (const reconciler of reconcilers) controlled.add(reconciler.queue);

  const systemObjects = createObjects(context, { user: engineUser, author: { priority: 1, fence: undefined } });
  await systemObjects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  rules = modules.admission(systemObjects);
  const subresources = modules.subresources(systemObjects);
  await auth.keepRoles(systemObjects, defaultRoles(registry.all(), subresources));
  const engine = stack.use(
    createEngine({
      store,
      objectsFor: (author) => createObjects(context, { user: engineUser, author }),
      reconcilers,
      clock,
      random,
      log,
      metrics: options.metrics,
      owner: options.owner,
      ...(options.workers === undefined ? {} : { workers: options.workers }),
    }),
  );
  const owned = stack.move();
  return { context, auth, modules, subresources, systemObjects, engine, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * Rules that look at more than the object, such as what is left of a quota: asked of writes by people that change what is wanted, dry runs too. Reconcilers are
 * not asked: they hold the rules themselves, since what these look at may change at any time.
 */
async function holdPeople({ caller, operation, subresource, kind, object, old }: AdmittedWrite, rules: AdmissionRules, authorizer: Authorizer): Promise<void> {
  if (caller.author.fence !== undefined || operation === "DELETE" || subresource === "status" || object.metadata.deletionTimestamp !== undefined) return;
  if (old === undefined || !deepEqual(old["spec"], object["spec"])) await rules.get(kind.resource)?.(object, old, rightsOf(caller.user, authorizer));
}

function rightsOf(user: User, authorizer: Authorizer): WriterRights {
  return {
    readSecret(namespace, name, why) {
      demand(authorizer, user, { verb: "get", group: "", resource: "secrets", namespace, name }, why);
    },
    need({ namespace = "", name = "", ...permission }, why) {
      demand(authorizer, user, { ...permission, namespace, name }, why);
    },
  };
}

/** Contents of a namespace go from what people wrote down to what it rests on: instances first, Secrets last. */
function teardownOrder(kinds: readonly Kind[]): Kind[] {
  const rank = (kind: Kind): number => (kind.group === "" ? (kind.kind === "Secret" ? 3 : 2) : kind.kind.endsWith("Instance") ? 0 : 1);
  return kinds.toSorted((a, b) => rank(a) - rank(b));
}
