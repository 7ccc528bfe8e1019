import { createHash } from "node:crypto";
import type { Store } from "../store.ts";
import type { Change, Version } from "../types.ts";
import type { Dice } from "./dice.ts";
import { until } from "./lab.ts";

/** One change on one line: what a watcher saw, and what the version table says it should have seen. */
export function lineOf(change: { rv: number; prevRv: number; deleted: boolean; name: string; body: string; prevBody: string | undefined }): string {
  return [
    change.rv,
    change.prevRv,
    change.deleted ? "deleted" : "kept",
    change.name,
    short(change.body),
    change.prevBody === undefined ? "-" : short(change.prevBody),
  ].join(" ");
}

export function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

export interface JournalInput {
  readonly kind: string;
  /** A number to watch from, or "list": begin with a paged list. */
  readonly from: number | "list";
  /** The watch ends with the first change of an object of this name. */
  readonly endName: string;
}

export interface Journal {
  /** The number that the watch began at. */
  readonly from: number;
  readonly lines: readonly string[];
  /** Only after a list: name → hash of the body, at the end. */
  readonly state: Readonly<Record<string, string>> | undefined;
}

/** Watches with reconnections at random, as a client would: from the last number it saw. */
export async function keepJournal(store: Store, dice: Dice, input: JournalInput): Promise<Journal> {
  const state = new Map<string, string>();
  const from = input.from === "list" ? await listInto(store, input.kind, state) : input.from;
  const lines: string[] = [];
  let lastRv = from;
  let ended = false;
  while (!ended) {
    const patience = 1 + dice.below(60);
    let seen = 0;
    const onChanges = (changes: readonly Change[]): void => {
      for (const change of changes) {
        if (ended || seen >= patience) return; // this connection is gone for the watcher; what follows must come again on the next one
        seen++;
        lastRv = change.rv;
        lines.push(lineOf({ ...change, name: change.key.name }));
        if (change.deleted) state.delete(change.key.name);
        else state.set(change.key.name, short(change.body));
        if (change.key.name === input.endName) ended = true;
      }
    };
    using _subscription = await store.feed.subscribe(input.kind, lastRv, onChanges);
    await until(`more changes of ${input.kind} after ${lastRv}`, () => ended || seen >= patience);
  }
  return { from, lines, state: input.from === "list" ? Object.fromEntries(state) : undefined };
}

/** Pages of a list, all as of the first page's number. */
async function listInto(store: Store, kind: string, state: Map<string, string>): Promise<number> {
  const pageSize = 7;
  const add = (items: readonly Version[]) => items.forEach((item) => state.set(item.key.name, short(item.body)));
  let page = await store.reader.list({ kind, limit: pageSize });
  add(page.items);
  const { rv } = page;
  while (page.next !== undefined) {
    page = await store.reader.list({ kind, limit: pageSize, after: page.next, atRv: rv });
    add(page.items);
  }
  return rv;
}
