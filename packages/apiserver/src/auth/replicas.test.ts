import { expect, test, vi } from "vitest";
import { silentLogger, systemClock, systemRandom } from "@threeport/platform";
import { migrate, openDatabase, openStore, type Store } from "@threeport/store";
import { createTestDatabase } from "@threeport/store/testing";
import { coreKinds } from "../kinds/core.ts";
import { createObjects } from "../objects.ts";
import { createRegistry } from "../registry.ts";
import { binding, clusterRole, inForce } from "../testing/access.ts";
import { openAuth, type Auth } from "./open-auth.ts";
import { issueToken } from "./service-account-tokens.ts";

const issuer = "https://threeport.test";

interface Replica {
  readonly store: Store;
  readonly auth: Auth;
}

test("P1: a role, its end, a token and the end of its account are in force on another replica within a second", async () => {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(
    await createTestDatabase({
      templateKey: "api server",
      migrate: async (connection) => {
        await using opened = openDatabase(connection);
        await migrate(opened);
      },
    }),
  );
  const replica = async (): Promise<Replica> => {
    const keyEncryptionKey = new Uint8Array(32).fill(7);
    const store = stack.use(
      await openStore({ connection: database.connectionOptions, keyEncryptionKey, clock: systemClock, log: silentLogger, connectionsMax: 4 }),
    );
    return { store, auth: stack.use(await openAuth({ store, clock: systemClock, random: systemRandom, log: silentLogger, issuer })) };
  };
  const [one, two] = await Promise.all([replica(), replica()]); // two first starts at once agree on the key that signs
  expect(one.auth.signingKeys.all().map((key) => key.id)).toEqual(two.auth.signingKeys.all().map((key) => key.id));
  const context = {
    registry: createRegistry(coreKinds),
    store: one.store,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    authorizer: one.auth.authorizer,
    controlled: () => false,
  };
  const objects = createObjects(context, { user: { name: "admin", groups: ["system:masters"] }, author: { priority: 0, fence: undefined } });
  await objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  await objects.create(clusterRole("reader", [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"] }]));
  await objects.create(binding("ClusterRoleBinding", "jane", "ClusterRole/reader", "jane"));
  const may = () =>
    two.auth.authorizer.authorize({ name: "jane", groups: [] }, { verb: "get", group: "", resource: "configmaps", namespace: "default", name: "x" }).allowed;
  await vi.waitFor(() => expect(may()).toBe(true), inForce);
  await objects.delete({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", name: "jane" });
  await vi.waitFor(() => expect(may()).toBe(false), inForce);

  const account = await objects.create({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "ci", namespace: "default" } });
  const tools = { store: one.store, clock: systemClock, random: systemRandom, keys: one.auth.signingKeys, issuer };
  const { token } = issueToken(tools, {
    namespace: "default",
    account: { name: "ci", uid: account.metadata.uid ?? "" },
    audiences: [issuer],
    validForSeconds: 600,
  });
  expect((await two.auth.authenticate({ token }))?.user.name).toBe("system:serviceaccount:default:ci");
  await objects.delete({ apiVersion: "v1", kind: "ServiceAccount", name: "ci", namespace: "default" });
  await vi.waitFor(async () => expect(await two.auth.authenticate({ token })).toBeUndefined(), inForce);
});
