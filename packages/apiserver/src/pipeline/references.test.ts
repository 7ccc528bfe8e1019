import { expect, test } from "vitest";
import { shelf, shelves, widget, widgets } from "../testing/paths.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

async function fieldsOf(answer: Promise<{ status: number; body: { details?: { causes?: readonly { field?: string }[] } } }>) {
  const { status, body } = await answer;
  return [status, ...(body.details?.causes ?? []).map((cause) => cause.field)];
}

/** A shelf that is being deleted, held by a finalizer. */
async function dyingShelf(api: TestApi, name: string): Promise<void> {
  await api.call("POST", shelves, { body: shelf(name, { finalizers: ["test.threeport.io/hold"] }) });
  expect((await api.call("DELETE", `${shelves}/${name}`)).status).toBe(200);
}

test("K6: a reference to an object under deletion is refused, on create, update and patch, also when only tried", async () => {
  await using api = await openTestApi();
  await dyingShelf(api, "old");
  await api.call("POST", widgets, { body: widget("w") });
  const current = (await api.call("GET", `${widgets}/w`)).body;
  expect(await fieldsOf(api.call("POST", widgets, { body: widget("a", { shelf: "old" }) }))).toEqual([422, "spec.shelf"]);
  expect(await fieldsOf(api.call("POST", `${widgets}?dryRun=All`, { body: widget("a", { shelf: "old" }) }))).toEqual([422, "spec.shelf"]);
  expect(await fieldsOf(api.call("PUT", `${widgets}/w`, { body: { ...current, spec: { shelf: "old" } } }))).toEqual([422, "spec.shelf"]);
  expect(await fieldsOf(api.call("PATCH", `${widgets}/w`, { body: { spec: { shelf: "old" } } }))).toEqual([422, "spec.shelf"]);
  expect((await api.call("GET", `${widgets}/a`)).status).toBe(404);
  expect((await api.call("GET", `${widgets}/w`)).body).toEqual(current);
});

test("K6: a reference that was there before the deletion stays, and the object can still be changed", async () => {
  await using api = await openTestApi();
  await api.call("POST", shelves, { body: shelf("old", { finalizers: ["test.threeport.io/hold"] }) });
  await api.call("POST", widgets, { body: widget("w", { shelf: "old", size: 1 }) });
  expect((await api.call("DELETE", `${shelves}/old`, { body: { propagationPolicy: "Foreground" } })).status).toBe(200);
  expect((await api.call("PATCH", `${widgets}/w`, { body: { spec: { size: 2 } } })).status).toBe(200);
  expect((await api.call("PATCH", `${widgets}/w`, { body: { spec: { shelf: null } } })).status).toBe(200);
  expect((await api.call("PATCH", `${widgets}/w`, { body: { spec: { shelf: "old" } } })).status).toBe(422);
});

test("a reference to nothing is refused where the kind says so, naming the field and what to create; elsewhere it is allowed", async () => {
  await using api = await openTestApi();
  const refused = await api.call("POST", widgets, { body: widget("a", { shelf: "nowhere" }) });
  expect([refused.status, refused.body.details?.causes?.[0]]).toEqual([422, expect.objectContaining({ field: "spec.shelf", reason: "FieldValueNotFound" })]);
  expect(refused.body.message).toContain("shelves.test.threeport.io/nowhere");
  expect((await api.call("POST", widgets, { body: widget("b", { friends: [{ name: "nobody" }] }) })).status).toBe(201);
});

test("an object in use is not deleted, and the answer names its users; Foreground, or the last user's end, allows it", async () => {
  await using api = await openTestApi();
  for (const name of ["one", "two"]) await api.call("POST", shelves, { body: shelf(name) });
  await api.call("POST", widgets, { body: widget("user", { shelf: "one" }) });
  for (const path of [`${shelves}/one`, `${shelves}/one?dryRun=All`]) {
    const refused = await api.call("DELETE", path);
    expect([refused.status, refused.body.reason, refused.body.details?.causes]).toEqual([
      409,
      "Conflict",
      [{ reason: "InUse", message: "widgets.test.threeport.io/default/user" }],
    ]);
    expect(refused.body.message).toContain('"one" is in use by widgets.test.threeport.io/default/user');
  }
  await api.call("PATCH", `${widgets}/user`, { body: { spec: { shelf: "two" } } });
  expect((await api.call("DELETE", `${shelves}/one`)).status).toBe(200);
  expect((await api.call("DELETE", `${shelves}/two`, { body: { propagationPolicy: "Foreground" } })).status).toBe(200);
});

test("a deletion and a new user of the same thing never both succeed", async () => {
  await using api = await openTestApi();
  for (let round = 0; round < 10; round++) {
    const name = `s${round}`;
    await api.call("POST", shelves, { body: shelf(name) });
    const [made, deleted] = await Promise.all([
      api.call("POST", widgets, { body: widget(`w${round}`, { shelf: name }) }),
      api.call("DELETE", `${shelves}/${name}`),
    ]);
    expect([[made.status, deleted.status]]).toContainEqual(made.status === 201 ? [201, 409] : [422, 200]);
  }
});

test("I3: what can be no name is refused as a reference, and costs no other writer its write", async () => {
  await using api = await openTestApi();
  const bad = ["a\u0000b", "x".repeat(4_000), "a|b|c", "../etc", "new\nline"];
  const answers = await Promise.all([
    ...bad.map((name) => api.call("POST", widgets, { body: widget("bad", { friends: [{ name }] }) })),
    ...bad.map((name) =>
      api.call("POST", widgets, { body: widget("bad", {}, { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name, uid: "u" }] }) }),
    ),
    ...Array.from({ length: 10 }, (_, index) => api.call("POST", widgets, { body: widget(`good${index}`) })),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual([...bad, ...bad].map(() => 422).concat(Array.from({ length: 10 }, () => 201)));
});
