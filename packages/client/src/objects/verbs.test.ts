import { describe, expect, test } from "vitest";
import { isErrorCode } from "@threeport/resource";
import { createClient } from "../create-client.ts";
import { configMap, configMapList } from "../testing/config-map.ts";
import { failure, json, scriptedServer, type Script } from "../testing/scripted-server.ts";

const target = { apiVersion: "v1", kind: "ConfigMap", namespace: "default" };

/** Discovery for ConfigMaps, and `script` for the rest. */
function withConfigMaps(script: Script): Script {
  const resources = [{ resource: "configmaps", responseKind: { kind: "ConfigMap" }, scope: "Namespaced", verbs: [] }];
  return (seen, answer) => {
    if (seen.path === "/api") return json(answer, 200, { kind: "APIGroupDiscoveryList", items: [{ metadata: {}, versions: [{ version: "v1", resources }] }] });
    if (seen.path === "/apis") return json(answer, 200, { kind: "APIGroupDiscoveryList", items: [] });
    return script(seen, answer);
  };
}

const echo = withConfigMaps(({ body }, answer) =>
  json(answer, 200, body === "" ? {} : JSON.parse(body), { warning: ['299 - "unknown field \\"spec.x\\""', '299 - "old"'] }),
);

describe("verbs", () => {
  test("become the method, path, query and media type that API servers expect", async () => {
    await using server = await scriptedServer(echo);
    await using client = createClient({ server: server.url });
    const object = configMap("a", 1);
    await client.get({ ...target, name: "a" }, { resourceVersion: "0" });
    await client.create(target, object, { fieldManager: "me", dryRun: true, fieldValidation: "Strict" });
    await client.update({ ...target, name: "a" }, object, { headers: { "impersonate-user": "u" } });
    await client.patch({ ...target, name: "a", subresource: "status" }, { status: {} });
    await client.patch({ ...target, name: "a" }, [], { type: "json" });
    await client.delete({ ...target, name: "a" }, { preconditions: { uid: "u1", resourceVersion: "7" }, propagationPolicy: "Foreground" });
    const base = "/api/v1/namespaces/default/configmaps";
    const calls = server.seen.filter(({ path }) => path.startsWith(base)).map(({ method, path, query }) => `${method} ${path.slice(base.length)} ${query}`);
    expect(calls).toEqual([
      "GET /a resourceVersion=0",
      "POST  fieldManager=me&fieldValidation=Strict&dryRun=All",
      "PUT /a ",
      "PATCH /a/status ",
      "PATCH /a ",
      "DELETE /a ",
    ]);
    const sent = server.seen.filter(({ method }) => method !== "GET");
    expect(sent.map(({ headers }) => headers["content-type"])).toEqual([
      "application/json",
      "application/json",
      "application/merge-patch+json",
      "application/json-patch+json",
      "application/json",
    ]);
    expect(sent[1]?.headers["impersonate-user"]).toBe("u");
    expect(JSON.parse(sent[4]?.body ?? "")).toEqual({
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: "u1", resourceVersion: "7" },
      propagationPolicy: "Foreground",
    });
  });

  test("apply sends the object as an apply patch and gives back what the server warned of", async () => {
    await using server = await scriptedServer(echo);
    await using client = createClient({ server: server.url });
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "default" }, data: { k: "v" } };
    const applied = await client.apply(object, { fieldManager: "threeport-1", force: true });
    expect(applied).toEqual({ object, warnings: ['unknown field "spec.x"', "old"] });
    const seen = server.seen.at(-1);
    expect(`${seen?.method} ${seen?.path}?${seen?.query}`).toBe("PATCH /api/v1/namespaces/default/configmaps/a?fieldManager=threeport-1&force=true");
    expect(seen?.headers["content-type"]).toBe("application/apply-patch+yaml");
  });
});

test("an apply that does not fit the schema is refused for good, though kube-apiserver calls it an internal error", async () => {
  const message =
    'failed to create typed patch object (default/d; apps/v1, Kind=Deployment): errors:\n  .spec.bogus: field not declared in schema\n  .spec.template.spec.containers[name="c"].prots: field not declared in schema';
  await using server = await scriptedServer(
    withConfigMaps((_, answer) => json(answer, 500, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, code: 500 })),
  );
  await using client = createClient({ server: server.url });
  const error = await client.apply(configMap("a", 1), { fieldManager: "me" }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "TP_RUNTIME_REFUSED",
    causes: [{ field: "spec.bogus" }, { field: 'spec.template.spec.containers[name="c"].prots', message: "field not declared in schema" }],
  });
});

describe("a list", () => {
  /** Pages of two out of `count` objects; `expired` says which tokens are answered with 410. */
  function paged(count: number, expired: (token: string) => boolean): Script {
    return withConfigMaps(({ query }, answer) => {
      const token = query.get("continue") ?? "0";
      if (expired(token)) return json(answer, 410, failure(410, "Expired", "The provided continue parameter is too old"));
      const start = Number(token);
      const limit = Number(query.get("limit") ?? count);
      const items = Array.from({ length: count }, (_, n) => ({ ...configMap(`c${n}`, n), kind: undefined, apiVersion: undefined }));
      json(answer, 200, configMapList(42, items.slice(start, start + limit), start + limit < count ? String(start + limit) : undefined));
    });
  }

  test("reads all pages and gives the items their kind", async () => {
    await using server = await scriptedServer(paged(5, () => false));
    await using client = createClient({ server: server.url });
    const list = await client.list({ ...target, namespace: undefined }, { pageSize: 2, labelSelector: "a=b", resourceVersion: "0" });
    expect(list.items.map(({ kind, apiVersion, metadata }) => `${apiVersion} ${kind} ${metadata.name}`)).toEqual(
      ["c0", "c1", "c2", "c3", "c4"].map((name) => `v1 ConfigMap ${name}`),
    );
    expect(list.resourceVersion).toBe("42");
    const queries = server.seen.filter(({ path }) => path === "/api/v1/configmaps").map(({ query }) => query.toString());
    expect(queries).toEqual([
      "labelSelector=a%3Db&limit=2&resourceVersion=0",
      "labelSelector=a%3Db&limit=2&continue=2",
      "labelSelector=a%3Db&limit=2&continue=4",
    ]);
  });

  test("starts again when a page has expired, and never mixes two states", async () => {
    const expireOnce = new Set(["4"]);
    await using server = await scriptedServer(paged(5, (token) => expireOnce.delete(token)));
    await using client = createClient({ server: server.url });
    expect((await client.list(target, { pageSize: 2 })).items.map(({ metadata }) => metadata.name)).toEqual(["c0", "c1", "c2", "c3", "c4"]);
    expect(server.seen.filter(({ query }) => query.has("limit"))).toHaveLength(6);
  });

  test("that cannot be paged in time is asked for in one piece", async () => {
    await using server = await scriptedServer(paged(5, (token) => token === "2"));
    await using client = createClient({ server: server.url });
    expect((await client.list(target, { pageSize: 2 })).items).toHaveLength(5);
    expect(server.seen.at(-1)?.query.has("limit")).toBe(false);
  });

  test("of something that is no list is refused", async () => {
    await using server = await scriptedServer(withConfigMaps((_, answer) => json(answer, 200, { hello: "world" })));
    await using client = createClient({ server: server.url });
    expect(isErrorCode(await client.list(target).catch((thrown: unknown) => thrown), "TP_RUNTIME_ANSWER_INVALID")).toBe(true);
  });
});
