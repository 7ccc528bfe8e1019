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

test("pages of large bodies are cut by their bytes, at any number, and go on behind what they hold: nothing is left out or comes twice", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const names = Array.from({ length: 45 }, (_, index) => `large-${String(index).padStart(2, "0")}`);
  for (const name of names) await put(store, keyOf(name), { data: randomBytes(300_000).toString("base64") }); // 18 MB
  const rv = await store.reader.currentRv();
  for (const atRv of [undefined, rv])
    for (const limit of [1_000, 29]) {
      const seen: string[] = [];
      let pages = 0;
      let after: { namespace: string; name: string } | undefined;
      do {
        const page = await store.reader.list({ kind: "things", limit, ...(after === undefined ? {} : { after }), ...(atRv === undefined ? {} : { atRv }) });
        seen.push(...page.items.map((item) => item.key.name));
        after = page.next;
        pages++;
      } while (after !== undefined);
      expect(seen).toEqual(names);
      expect(pages).toBeGreaterThan(2);
    }
});
