import { expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import { silentLogger, systemClock, systemRandom } from "@threeport/platform";
import type { KubeObject, Objects } from "@threeport/resource";
import { migrate, openDatabase, openStore } from "@threeport/store";
import { createTestDatabase } from "@threeport/store/testing";
import type { ApiContext } from "../api.ts";
import { mastersOnly } from "../auth/policy.ts";
import { coreKinds } from "../kinds/core.ts";
import { createObjects } from "../objects.ts";
import { createRegistry, type Registry } from "../registry.ts";
import { definition } from "../testing/definitions.ts";
import { judgeDefinition } from "./accept-names.ts";
import type { Definition } from "./definition.ts";
import { followDefinitions, type DefinitionFollower } from "./follow-definitions.ts";

interface Replica extends AsyncDisposable {
  readonly registry: Registry;
  readonly objects: Objects;
  readonly follower: DefinitionFollower;
}

interface TestDatabase {
  readonly connectionOptions: Parameters<typeof openDatabase>[0];
}

/** A process as far as kinds are concerned. It neither sends nor hears hints: it only looks. */
async function openReplica({ connectionOptions }: TestDatabase, pollMs: number): Promise<Replica> {
  await using stack = new AsyncDisposableStack();
  const common = { clock: systemClock, log: silentLogger };
  const store = stack.use(
    await openStore({ connection: connectionOptions, keyEncryptionKey: new Uint8Array(32).fill(7), ...common, notify: false, pollMs, connectionsMax: 2 }),
  );
  const registry = createRegistry(coreKinds);
  const follower = stack.use(await followDefinitions({ registry, store, ...common }));
  const context: ApiContext = { registry, store, ...common, random: systemRandom, controlled: () => false, authorizer: mastersOnly };
  const objects = createObjects(context, { user: { name: "test", groups: ["system:masters"] }, author: { priority: 0, fence: undefined } });
  const owned = stack.move();
  return { registry, objects, follower, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function openTestDatabase() {
  return createTestDatabase({
    templateKey: "definitions",
    async migrate(connection) {
      await using database = openDatabase(connection);
      await migrate(database);
    },
  });
}

async function establish({ objects, registry }: Replica, body: KubeObject): Promise<Definition> {
  const made = await objects.create<Definition>(body);
  const status = judgeDefinition(registry, made, "2026-01-01T00:00:00Z");
  return objects.patchStatus<Definition>({ ...made, status });
}

const served = (replica: Replica, plural = "gadgets") => replica.registry.byPlural("example.com", "v1", plural);

test("a kind that one process defines is served by every other, and goes in all of them, without a hint", async () => {
  await using database = await openTestDatabase();
  await using one = await openReplica(database, 50);
  await using other = await openReplica(database, 50);
  const made = await establish(one, definition());
  await until("both to serve it", async () => served(one) !== undefined && served(other) !== undefined);
  const before = served(other);
  await one.objects.commit(made, { ...made, metadata: { ...made.metadata, labels: { a: "b" } } });
  await until("the label to be heard", async () => !(await other.follower.catchUp()));
  expect(served(other), "what does not change the kind leaves it, and its watches, alone").toBe(before);
  const now = await one.objects.get<Definition>({ apiVersion: made.apiVersion, kind: made.kind, name: made.metadata.name });
  if (now === undefined) throw new Error("it is there");
  await one.objects.commit(now, {
    ...now,
    spec: { ...now.spec, names: now.spec.names, versions: now.spec.versions.map((version) => ({ ...version, deprecated: true })) },
  });
  await until("the change", async () => served(other)?.custom?.deprecation !== undefined);
  expect(served(other)).not.toBe(before);
});

test("a process that starts serves all that is stored before it is ready", async () => {
  await using database = await openTestDatabase();
  {
    await using first = await openReplica(database, 50);
    for (const [plural, kind] of [
      ["gadgets", "Gadget"],
      ["tools", "Tool"],
    ] as const)
      await establish(first, definition({ plural, kind }));
  }
  await using second = await openReplica(database, 50);
  expect([served(second)?.kind, served(second, "tools")?.kind]).toEqual(["Gadget", "Tool"]);
});

test("who asks for a kind that was defined a moment ago elsewhere waits until it is heard of, however rarely the process looks", async () => {
  await using database = await openTestDatabase();
  await using one = await openReplica(database, 60_000);
  await using other = await openReplica(database, 60_000);
  await establish(one, definition());
  expect(served(other)).toBeUndefined();
  expect(await other.follower.catchUp()).toBe(true);
  expect(served(other)?.kind).toBe("Gadget");
  expect(await other.follower.catchUp()).toBe(false);
});
