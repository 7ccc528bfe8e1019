import { expect, test } from "vitest";
import { systemClock, type Clock } from "@threeport/platform";
import { apply, managers } from "../testing/apply.ts";
import { configMap, configMaps, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

const jsonPatch = { "content-type": "application/json-patch+json" };

function clockAt(start: string): Clock & { at: number } {
  return {
    ...systemClock,
    at: Date.parse(start),
    now() {
      return this.at;
    },
  };
}

test("every write is recorded under fieldManager, or what stands before the slash of the User-Agent", async () => {
  await using api = await openTestApi();
  const agent = { "user-agent": "kubectl-ish/v1.2.3 (linux)", "content-type": "application/json" };
  const made = await api.call("POST", configMaps, { body: configMap("a", { k: "1" }), headers: agent });
  expect(managers(made.body)).toEqual({ "kubectl-ish Update": { "f:data": { ".": {}, "f:k": {} } } });
  await api.call("PUT", `${configMaps}/a?fieldManager=put`, { body: configMap("a", { k: "1", l: "2" }) });
  const patched = await api.call("PATCH", `${configMaps}/a?fieldManager=json`, { body: [{ op: "add", path: "/data/m", value: "3" }], headers: jsonPatch });
  expect(managers(patched.body)).toEqual({
    "kubectl-ish Update": { "f:data": { ".": {}, "f:k": {} } },
    "put Update": { "f:data": { "f:l": {} } },
    "json Update": { "f:data": { "f:m": {} } },
  });
  const odd = await api.call("POST", configMaps, { body: configMap("b", { k: "1" }), headers: { ...agent, "user-agent": `${"x".repeat(200)}/1` } });
  expect(Object.keys(managers(odd.body))).toEqual([`${"x".repeat(128)} Update`]);
  expect((await api.call("POST", `${configMaps}?fieldManager=%01`, { body: configMap("c") })).body.message).toContain(
    'CreateOptions.meta.k8s.io "" is invalid',
  );
});

test("K2: a status write is recorded as such, by reconcilers too", async () => {
  await using api = await openTestApi();
  await api.call("POST", `${widgets}?fieldManager=ann`, { body: widget("a", { size: 1 }) });
  await api.call("PATCH", `${widgets}/a/status?fieldManager=ctl`, { body: { status: { phase: "up" } } });
  const read = await api.objects.get({ apiVersion: "test.threeport.io/v1alpha1", kind: "Widget", namespace: "default", name: "a" });
  if (read === undefined) throw new Error("not there");
  await api.objects.patchStatus({ ...read, status: { phase: "up", ready: true } });
  expect(managers((await api.call("GET", `${widgets}/a`)).body)).toEqual({
    "ann Update": { "f:spec": { ".": {}, "f:size": {} } },
    "ctl Update/status": { "f:status": { ".": {}, "f:phase": {} } },
    "threeport Update/status": { "f:status": { "f:ready": {} } },
  });
});

test("K7: at most ten managers that update are told apart; older ones become ancient-changes", async () => {
  const clock = clockAt("2026-01-01T00:00:00Z");
  await using api = await openTestApi({ clock });
  await api.call("POST", `${configMaps}?fieldManager=m0`, { body: configMap("a", { k0: "" }) });
  for (let index = 1; index < 14; index++) {
    clock.at += 1000;
    await api.call("PATCH", `${configMaps}/a?fieldManager=m${index}`, { body: { data: { [`k${index}`]: "" } } });
  }
  const seen = managers((await api.call("GET", `${configMaps}/a`)).body);
  expect(Object.keys(seen)).toEqual(["ancient-changes Update", ...Array.from({ length: 9 }, (_, index) => `m${index + 5} Update`)]);
  expect(seen["ancient-changes Update"]).toEqual({ "f:data": { ".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}, "f:k3": {}, "f:k4": {} } });
});

test("K3: times change only with the fields, and a write that would change times alone changes nothing", async () => {
  const clock = clockAt("2026-01-01T00:00:00Z");
  await using api = await openTestApi({ clock });
  const made = await apply(api, `${configMaps}/a`, configMap("a", { k: "1" }));
  await api.call("PATCH", `${configMaps}/a?fieldManager=bob`, { body: { data: { l: "1" } } });
  const before = (await api.call("GET", `${configMaps}/a`)).body;
  clock.at += 60_000;
  for (const again of [
    await apply(api, `${configMaps}/a`, configMap("a", { k: "1" })),
    await api.call("PATCH", `${configMaps}/a?fieldManager=bob`, { body: { data: { l: "1" } } }),
    await api.call("PUT", `${configMaps}/a?fieldManager=eve`, { body: before }),
  ])
    expect(again.body).toEqual(before);
  const changed = await api.call("PATCH", `${configMaps}/a?fieldManager=bob`, { body: { data: { l: "2" } } });
  const times = (changed.body.metadata["managedFields"] as { manager: string; time: string }[]).map(({ manager, time }) => [manager, time]);
  expect(times).toEqual([
    ["ann", (made.body.metadata["managedFields"] as { time: string }[])[0]?.time],
    ["bob", "2026-01-01T00:01:00Z"],
  ]);
});

test("a client may hand over ownership and clear it, as kubectl does when it migrates; nonsense is passed over", async () => {
  await using api = await openTestApi();
  await api.call("POST", `${configMaps}?fieldManager=kubectl-client-side-apply`, { body: configMap("a", { k: "1" }) });
  const read = (await api.call("GET", `${configMaps}/a`)).body;
  const [entry] = read.metadata["managedFields"] as Record<string, unknown>[];
  const migrated = [{ ...entry, manager: "kubectl", operation: "Apply" }];
  const stale = await api.call("PATCH", `${configMaps}/a`, {
    headers: jsonPatch,
    body: [
      { op: "replace", path: "/metadata/managedFields", value: migrated },
      { op: "replace", path: "/metadata/resourceVersion", value: "1" },
    ],
  });
  expect(stale.status).toBe(409);
  const moved = await api.call("PATCH", `${configMaps}/a`, {
    headers: jsonPatch,
    body: [
      { op: "replace", path: "/metadata/managedFields", value: migrated },
      { op: "replace", path: "/metadata/resourceVersion", value: read.metadata.resourceVersion },
    ],
  });
  expect([moved.status, Object.keys(managers(moved.body))]).toEqual([200, ["kubectl Apply"]]);
  for (const nonsense of [[{ manager: "x" }], "text", 7, [1], [{ manager: "x", operation: "Steal", fieldsType: "FieldsV1" }]]) {
    const answer = await api.call("PATCH", `${configMaps}/a`, { body: { metadata: { managedFields: nonsense } } });
    expect([answer.status, Object.keys(managers(answer.body))], JSON.stringify(nonsense)).toEqual([200, ["kubectl Apply"]]);
  }
  for (const nothing of [[{}], []]) {
    await apply(api, `${configMaps}/a`, configMap("a", { k: "1" }), { manager: "kubectl", query: "&force=true" });
    const cleared = await api.call("PATCH", `${configMaps}/a`, { body: { metadata: { managedFields: nothing } } });
    expect([cleared.status, managers(cleared.body)]).toEqual([200, {}]);
  }
  // As in Kubernetes: what nobody manages is not recorded again before somebody applies, and then as before-first-apply.
  expect(managers((await api.call("PATCH", `${configMaps}/a?fieldManager=bob`, { body: { data: { l: "2" } } })).body)).toEqual({});
  const applied = await apply(api, `${configMaps}/a`, configMap("a", { m: "3" }));
  expect(managers(applied.body)).toEqual({
    "ann Apply": { "f:data": { "f:m": {} } },
    "before-first-apply Update": { "f:data": { ".": {}, "f:k": {}, "f:l": {} } },
  });
});

test("an object that managedFields make too large is stored without them, and an apply is refused", async () => {
  await using api = await openTestApi();
  const data = (size: number) => Object.fromEntries(Array.from({ length: size }, (_, index) => [`${"k".repeat(240)}${index}`, ""]));
  const wide = await api.call("POST", configMaps, { body: configMap("a", data(9_000)) });
  expect([wide.status, managers(wide.body)]).toEqual([201, {}]);
  expect((await apply(api, `${configMaps}/b`, configMap("b", data(9_000)))).status).toBe(413);
  const grown = await apply(api, `${configMaps}/c`, configMap("c", data(3_000)));
  expect([grown.status, Object.keys(managers(grown.body))]).toEqual([201, ["ann Apply"]]);
});
