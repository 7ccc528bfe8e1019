import { describe, expect, test } from "vitest";
import { systemClock, systemRandom, type Clock } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";
import { createClient } from "../create-client.ts";
import { bookmark, configMap, configMapList, eventLine } from "../testing/config-map.ts";
import { failure, json, scriptedServer, until, type Script, type SeenRequest } from "../testing/scripted-server.ts";
import type { ServerResponse } from "node:http";
import { createReflector, type ReflectorHandlers, type ReflectorOptions } from "./reflector.ts";

const path = "/api/v1/configmaps";

/** Backoff takes a hundredth of its time; what was asked for is written down. */
function hurriedClock(): { clock: Clock; slept: number[] } {
  const slept: number[] = [];
  return { slept, clock: { ...systemClock, sleep: (ms, signal) => (slept.push(ms), systemClock.sleep(ms / 100, signal)) } };
}

interface Steps {
  list?: (answer: ServerResponse, seen: SeenRequest) => void;
  /** Called with the number of the watch, from 1. */
  watch: (answer: ServerResponse, seen: SeenRequest, number: number) => void;
}

function script({ list, watch }: Steps): Script {
  let watches = 0;
  return (seen, answer) => {
    if (seen.query.get("watch") !== "true")
      return list === undefined ? json(answer, 200, configMapList(5, [configMap("a", 3), configMap("b", 4)])) : list(answer, seen);
    watches++;
    watch(answer, seen, watches);
  };
}

function open(answer: ServerResponse, ...lines: string[]): ServerResponse {
  answer.writeHead(200, { "content-type": "application/json" });
  answer.flushHeaders();
  for (const line of lines) answer.write(line);
  return answer;
}

/** A consumer that keeps what it is told, and the story of how it was told. */
function consumer(): { known: Map<string, string>; story: string[]; handlers: ReflectorHandlers<StoredObject> } {
  const known = new Map<string, string>();
  const story: string[] = [];
  const key = (object: StoredObject) => object.metadata.name;
  return {
    known,
    story,
    handlers: {
      replace: (items, version) => {
        known.clear();
        for (const item of items) known.set(key(item), item.metadata.resourceVersion);
        story.push(`replace ${items.map(key).join(",")} @${version}`);
      },
      upsert: (object) => {
        known.set(key(object), object.metadata.resourceVersion);
        story.push(`upsert ${key(object)}@${object.metadata.resourceVersion}`);
      },
      remove: (object) => {
        known.delete(key(object));
        story.push(`remove ${key(object)}`);
      },
      state: ({ phase, lastError }) => story.push(`state ${phase}${lastError === undefined ? "" : ` ${lastError.code}`}`),
    },
  };
}

async function following(steps: Steps, extra: Partial<ReflectorOptions<StoredObject>> = {}) {
  const server = await scriptedServer(script(steps));
  const client = createClient({ server: server.url });
  const { clock, slept } = hurriedClock();
  const told = consumer();
  const reflector = createReflector<StoredObject>({ client, source: path, handlers: told.handlers, clock, random: systemRandom, ...extra });
  return {
    server,
    reflector,
    slept,
    ...told,
    watches: () => server.seen.filter(({ query }) => query.has("watch")),
    lists: () => server.seen.filter(({ query }) => !query.has("watch")),
    async [Symbol.asyncDispose]() {
      await reflector[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("R1: the consumer has what the server has", () => {
  test("first everything, then changes in order", async () => {
    await using f = await following(
      {
        watch: (answer) =>
          void open(
            answer,
            eventLine("ADDED", configMap("c", 6)),
            eventLine("MODIFIED", configMap("a", 7)),
            bookmark(8),
            eventLine("DELETED", configMap("b", 9)),
          ),
      },
      { labelSelector: "x=y", pageSize: 50 },
    );
    await f.reflector.synced;
    await until("b is removed", () => !f.known.has("b"));
    expect(f.story).toEqual(["replace a,b @5", "state synced", "upsert c@6", "upsert a@7", "remove b"]);
    expect(f.reflector.state.phase).toBe("synced");
    expect(f.lists()[0]?.query.toString()).toBe("labelSelector=x%3Dy&limit=50");
    const query = f.watches()[0]?.query;
    expect([query?.get("resourceVersion"), query?.get("labelSelector"), query?.get("allowWatchBookmarks")]).toEqual(["5", "x=y", "true"]);
    expect(Number(query?.get("timeoutSeconds"))).toBeGreaterThanOrEqual(300);
  });

  test("a kind as source is found by discovery", async () => {
    const resources = [{ resource: "configmaps", responseKind: { kind: "ConfigMap" }, scope: "Namespaced" }];
    await using f = await following(
      {
        list: (answer, { path: asked }) => {
          if (asked === "/api") json(answer, 200, { kind: "APIGroupDiscoveryList", items: [{ metadata: {}, versions: [{ version: "v1", resources }] }] });
          else if (asked === "/apis") json(answer, 200, { kind: "APIGroupDiscoveryList", items: [] });
          else json(answer, 200, configMapList(5, []));
        },
        watch: (answer) => void open(answer),
      },
      { source: { apiVersion: "v1", kind: "ConfigMap", namespace: "shop" } },
    );
    await f.reflector.synced;
    await until("it watches", () => f.watches().length === 1);
    expect(f.watches()[0]?.path).toBe("/api/v1/namespaces/shop/configmaps");
  });
});

describe("R5: it resumes from the last version it heard of", () => {
  test("after the server ends the watch in peace, also when the last word was a bookmark", async () => {
    await using f = await following({
      watch: (answer, _, number) => {
        if (number === 1) open(answer, eventLine("ADDED", configMap("c", 6)), bookmark(20)).end();
        else open(answer);
      },
    });
    await until("the second watch", () => f.watches().length === 2);
    expect(f.watches().map(({ query }) => query.get("resourceVersion"))).toEqual(["5", "20"]);
    expect(f.lists()).toHaveLength(1);
    expect(f.story).not.toContain("state unreachable");
  });

  test("after a cut in the middle of a line: the half event comes whole the second time", async () => {
    await using f = await following({
      watch: (answer, _, number) => {
        const change = eventLine("ADDED", configMap("d", 7));
        if (number === 1) {
          open(answer, eventLine("ADDED", configMap("c", 6)), change.slice(0, change.length / 2));
          setImmediate(() => answer.socket?.destroy());
        } else open(answer, change);
      },
    });
    await until("d arrives", () => f.known.has("d"));
    expect(f.watches()[1]?.query.get("resourceVersion")).toBe("6");
    expect(f.story).toEqual(["replace a,b @5", "state synced", "upsert c@6", "state unreachable TP_RUNTIME_UNREACHABLE", "state synced", "upsert d@7"]);
  });

  test.each([
    { name: "a 410 as answer", watch: (answer: ServerResponse) => json(answer, 410, failure(410, "Expired", "too old")) },
    { name: "a 410 in the stream", watch: (answer: ServerResponse) => void open(answer, eventLine("ERROR", failure(410, "Expired", "too old"))).end() },
    {
      name: "a version that the server has not reached (restored from a backup)",
      watch: (answer: ServerResponse) => json(answer, 504, failure(504, "Timeout", "Too large resource version: 5, current: 2")),
    },
    { name: "a bookmark older than what was heard (restored, and silent about it)", watch: (answer: ServerResponse) => void open(answer, bookmark(2)) },
    { name: "garbage", watch: (answer: ServerResponse) => void open(answer, "<html>\n").end() },
  ])("or lists again after $name, with a jittered pause", async ({ watch }) => {
    let lists = 0;
    await using f = await following({
      list: (answer) => {
        lists++;
        json(answer, 200, configMapList(lists * 100, lists === 1 ? [configMap("a", 3), configMap("b", 4)] : [configMap("b", 150)]));
      },
      watch: (answer, _, number) => (number === 1 ? watch(answer) : void open(answer)),
    });
    await until("the second watch", () => f.watches().length === 2);
    expect([...f.known]).toEqual([["b", "150"]]);
    expect(f.watches()[1]?.query.get("resourceVersion")).toBe("200");
    expect(f.slept).toHaveLength(1);
    expect(f.slept[0]).toBeGreaterThanOrEqual(250);
    expect(f.slept[0]).toBeLessThanOrEqual(500);
  });
});

describe("R3: nothing ends it", () => {
  test("a server that is away for a while and comes back", async () => {
    await using f = await following({
      watch: (answer, _, number) => void open(answer, ...(number === 1 ? [eventLine("ADDED", configMap("c", 6))] : [eventLine("ADDED", configMap("d", 7))])),
    });
    await until("c arrives", () => f.known.has("c"));
    await f.server.stop();
    await until("several tries fail", () => f.slept.length >= 4);
    expect(f.reflector.state.phase).toBe("unreachable");
    expect(f.reflector.state.lastError?.message).toContain("connection refused");
    await f.server.restart();
    await until("d arrives", () => f.known.has("d"));
    expect(f.reflector.state.phase).toBe("synced");
    expect(f.lists().length).toBe(1);
  });

  test("a server that was away for long is listed again, for it may be another one", async () => {
    await using f = await following({ watch: (answer) => void open(answer) });
    await f.reflector.synced;
    await f.server.stop();
    await until("many tries fail", () => f.slept.length >= 8);
    await f.server.restart();
    await until("a second list", () => f.story.filter((line) => line.startsWith("replace")).length === 2);
  });

  test("who knows that it is back has it listed at once, before what was known counts as true again", async () => {
    let objects = [configMap("a", 3), configMap("b", 4)];
    await using f = await following({ list: (answer) => json(answer, 200, configMapList(5, objects)), watch: (answer) => void open(answer) });
    await f.reflector.synced;
    await f.server.stop();
    await until("it to be noticed", () => f.reflector.state.phase === "unreachable");
    objects = [configMap("a", 3)];
    await f.server.restart();
    await f.reflector.renew();
    expect(f.reflector.state.phase).toBe("synced");
    expect([...f.known.keys()]).toEqual(["a"]);
    expect(f.story.slice(-2)).toEqual(["replace a @5", "state synced"]);
    await f.reflector.renew(); // there is nothing to renew
    expect(f.story.filter((line) => line.startsWith("replace"))).toHaveLength(2);
  });

  test("a server that is not there at first, refuses, and then answers", async () => {
    let refusals = 3;
    await using f = await following({
      list: (answer) => (refusals-- > 0 ? json(answer, 403, failure(403, "Forbidden", "not yet")) : json(answer, 200, configMapList(5, []))),
      watch: (answer) => void open(answer),
    });
    await f.reflector.synced;
    expect(f.story).toEqual(["state unreachable TP_FORBIDDEN", "replace  @5", "state synced"]);
  });

  test("a server that ends every watch at once is not hammered", async () => {
    await using f = await following({ watch: (answer) => void open(answer).end() });
    await until("six watches", () => f.watches().length >= 6);
    const pauses = f.slept.slice(0, 5);
    expect(pauses[4]).toBeGreaterThanOrEqual(4_000);
    expect(pauses.toSorted((a, b) => a - b)).toEqual(pauses);
  });

  test("a handler that throws hears the change again", async () => {
    let failures = 1;
    const told = consumer();
    await using f = await following(
      { watch: (answer) => void open(answer, eventLine("ADDED", configMap("c", 6))) },
      {
        handlers: {
          ...told.handlers,
          upsert: (object) => {
            if (failures-- > 0) throw new Error("the database is away");
            return told.handlers.upsert(object);
          },
        },
      },
    );
    await until("c is there", () => told.known.has("c"));
    expect(told.story.filter((line) => line.startsWith("replace"))).toHaveLength(2);
    expect(f.lists()).toHaveLength(2);
  });
});

describe("R4: silence is noticed", () => {
  test("a watch that says nothing is opened again from where it was", async () => {
    await using f = await following(
      { watch: (answer, _, number) => void open(answer, ...(number === 1 ? [bookmark(30)] : [eventLine("ADDED", configMap("c", 31))])) },
      { idleTimeoutMs: 60 },
    );
    await until("c arrives", () => f.known.has("c"));
    expect(f.watches()[1]?.query.get("resourceVersion")).toBe("30");
    expect(f.lists()).toHaveLength(1);
    expect(f.story).toContain("state unreachable TP_RUNTIME_UNREACHABLE");
  });

  test("a server that accepts a watch and never answers it is left, too", async () => {
    await using f = await following(
      { watch: (answer, _, number) => (number === 1 ? undefined : void open(answer, eventLine("ADDED", configMap("c", 6)))) },
      { idleTimeoutMs: 60 },
    );
    await until("c arrives", () => f.known.has("c"));
  });

  test("bookmarks are signs of life", async () => {
    let beats = 0;
    await using f = await following(
      {
        watch: (answer) => {
          open(answer);
          const timer = setInterval(() => answer.write(bookmark(10 + ++beats)), 20);
          answer.once("close", () => clearInterval(timer));
        },
      },
      { idleTimeoutMs: 400 },
    );
    await until("longer than the timeout", () => beats > 30);
    expect(f.watches()).toHaveLength(1);
  });

  test("the time that a slow consumer takes is not the server's silence", async () => {
    let slow = true;
    const told = consumer();
    await using f = await following(
      { watch: (answer) => void open(answer, eventLine("ADDED", configMap("c", 6)), eventLine("ADDED", configMap("d", 7))) },
      {
        idleTimeoutMs: 200,
        handlers: {
          ...told.handlers,
          upsert: async (object) => {
            if (slow) await systemClock.sleep(400);
            slow = false;
            return told.handlers.upsert(object);
          },
        },
      },
    );
    await until("both are there", () => told.known.has("d"));
    expect(f.watches()).toHaveLength(1);
  });
});

test("R2: a consumer that stops reading stops the server, not our memory", async () => {
  let written = 0;
  const gate = Promise.withResolvers<void>();
  const told = consumer();
  const line = eventLine("MODIFIED", configMap("a", 6, { text: "x".repeat(100_000) }));
  await using _ = await following(
    {
      watch: (answer) => {
        open(answer);
        const more = () => {
          while (written < 200e6 && !answer.destroyed) {
            written += line.length;
            if (!answer.write(line)) return void answer.once("drain", more);
          }
        };
        more();
      },
    },
    { handlers: { ...told.handlers, upsert: () => gate.promise } },
  );
  let before = -1;
  let stillFor = 0;
  await until("the server cannot write any more", () => {
    stillFor = written > 0 && written === before ? stillFor + 1 : 0;
    before = written;
    return stillFor > 40;
  });
  expect(written).toBeLessThan(50e6); // the sockets' buffers, a quarter of what the server wants to send
  gate.resolve();
});

test("disposing ends it at any moment, and those who wait for the first list are told", async () => {
  const f = await following({ list: () => {}, watch: () => {} });
  // oxlint-disable-next-line vitest/valid-expect -- awaited below, after what it waits for
  const waiting = expect(f.reflector.synced).rejects.toMatchObject({ code: "TP_UNAVAILABLE" });
  await until("the list is asked for", () => f.lists().length === 1);
  await f[Symbol.asyncDispose]();
  await waiting;
  expect(f.story).toEqual([]);
});
