import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { keyOf, openLab, put } from "./proofs/lab.ts";

test("lists of large bodies are read in statements of bounded size, whole and in order, and again from what was kept", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const names = Array.from({ length: 40 }, (_, index) => `large-${String(index).padStart(2, "0")}`);
  for (const name of names) await put(store, keyOf(name), { data: randomBytes(300_000).toString("base64") }); // 16 MB that cannot be compressed
  await put(store, keyOf("zz-small"), { data: "small" });
  for (const limit of [undefined, 30]) {
    const listed = await (await lab.open()).listText({ kind: "things", ...(limit === undefined ? {} : { limit }) });
    const found = listed?.bodies.map((body) => (JSON.parse(body.toString()) as { metadata: { name: string } }).metadata.name);
    expect(found).toEqual([...names, "zz-small"].slice(0, limit));
  }
  expect((await store.listText({ kind: "things" }))?.bodies).toEqual((await store.listText({ kind: "things" }))?.bodies);
});
