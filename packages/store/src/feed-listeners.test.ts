import { expect, test } from "vitest";
import { createFeedListeners, isInScope, type FeedScope } from "./feed-listeners.ts";
import type { Change } from "./types.ts";

const change = (rv: number, namespace: string, name: string, kind = "things"): Change => ({
  rv,
  key: { kind, namespace, name },
  uid: "",
  body: "{}",
  prevRv: 0,
  deleted: false,
  prevBody: undefined,
});

const scopes: readonly FeedScope[] = [
  { kind: "things" },
  { kind: "things", namespace: "a" },
  { kind: "things", namespace: "a", name: "x" },
  { kind: "things", name: "x" },
  { kind: "others" },
  { kind: "things", namespace: "" },
];
const changes = [change(1, "a", "x"), change(2, "a", "y"), change(3, "b", "x"), change(4, "", "x", "others"), change(5, "", "z")];

test("each listener hears exactly of what is in its scope, in order, as if it looked at every change itself", () => {
  const listeners = createFeedListeners();
  const heard = new Map<FeedScope, number[]>(scopes.map((scope) => [scope, []]));
  for (const scope of scopes) listeners.add(scope, { onChanges: (part) => heard.get(scope)?.push(...part.map(({ rv }) => rv)), onEnd: () => {} });
  for (const [listener, part] of listeners.concerned(changes)) listener.onChanges(part);
  for (const scope of scopes) {
    expect(heard.get(scope), JSON.stringify(scope)).toEqual(changes.filter((one) => isInScope(one, scope)).map(({ rv }) => rv));
  }
});

test("a change of one name costs those who look at it, and no others", () => {
  const listeners = createFeedListeners();
  for (let index = 0; index < 10_000; index++) listeners.add({ kind: "things", namespace: "a", name: `n${index}` }, { onChanges: () => {}, onEnd: () => {} });
  expect([...listeners.concerned([change(1, "a", "n7"), change(2, "b", "n7")])]).toHaveLength(1);
});

test("who left hears nothing more, and nothing is kept of it; a set that is emptied and filled again still works", () => {
  const listeners = createFeedListeners();
  const listener = { onChanges: () => {}, onEnd: () => {} };
  for (let round = 0; round < 3; round++) {
    const added = listeners.add({ kind: "things" }, listener);
    expect([...listeners.concerned(changes)]).toHaveLength(1);
    added[Symbol.dispose]();
    added[Symbol.dispose]();
    expect([...listeners.concerned(changes)]).toHaveLength(0);
  }
  listeners.add({ kind: "things" }, listener);
  expect([listeners.clear(), listeners.clear()]).toEqual([[listener], []]);
});
