// The kinds of this process follow the stored CustomResourceDefinitions: read whole at the start and whenever the feed lost its place, then by
// the feed, which reads the log also when every hint is lost (D3, S3). So all replicas serve the same kinds, each a moment after the commit.
import { hash } from "node:crypto";
import type { Clock, Logger } from "@threeport/platform";
import type { ObjectStore } from "@threeport/store";
import { parseBody } from "../pipeline/body.ts";
import type { Registry } from "../registry.ts";
import { customKinds } from "./custom-kind.ts";
import { definitionsResource, isEstablished, type Definition } from "./definition.ts";

export interface DefinitionFollower extends Disposable {
  /** Resolves when everything that was committed before the call is served; false when that was so already. */
  catchUp(): Promise<boolean>;
}

export interface FollowOptions {
  readonly registry: Registry;
  readonly store: Pick<ObjectStore, "reader" | "feed">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Definitions are large and are kept in another form: few at a time. */
const pageSize = 50;
/** Between two tries to read all definitions anew. */
const retryMs = 500;
/** How long a caller waits for a change that another replica committed; then the kind is not there. */
const catchUpMs = 2_000;
const lookMs = 10;

/** Serves all stored definitions when it resolves, and follows them from then on. */
export async function followDefinitions(options: FollowOptions): Promise<DefinitionFollower> {
  const { registry, store, clock, log } = options;
  /** What each definition's kinds were made from: other changes, such as those of conditions, leave kinds and their watches alone. */
  const sources = new Map<string, string>();
  const stopping = new AbortController();
  let subscription: Disposable | undefined;

  function take(name: string, body: string | undefined): void {
    const definition = body === undefined ? undefined : (parseBody(body) as unknown as Definition);
    if (definition === undefined || !isEstablished(definition)) {
      if (!sources.delete(name)) return;
      registry.define(name, []);
      return;
    }
    const source = hash("sha1", JSON.stringify([definition.spec, definition.status?.acceptedNames, definition.metadata.uid]));
    if (sources.get(name) === source) return;
    try {
      registry.define(name, customKinds(definition));
      sources.set(name, source);
    } catch (error) {
      log.info("a CustomResourceDefinition cannot be served", { name, error: String(error) });
    }
  }

  async function readAll(): Promise<number> {
    const seen = new Set<string>();
    let after: { namespace: string; name: string } | undefined;
    let rv: number | undefined;
    do {
      const page = await store.reader.list({
        kind: definitionsResource,
        limit: pageSize,
        ...(after === undefined ? {} : { after }),
        ...(rv === undefined ? {} : { atRv: rv }),
      });
      rv ??= page.rv;
      for (const item of page.items) {
        seen.add(item.key.name);
        take(item.key.name, item.body);
      }
      after = page.next;
    } while (after !== undefined);
    for (const name of sources.keys()) if (!seen.has(name)) take(name, undefined);
    return rv;
  }

  async function follow(): Promise<void> {
    const from = await readAll();
    subscription = await store.feed.subscribe(
      definitionsResource,
      from,
      (changes) => {
        for (const change of changes) take(change.key.name, change.deleted ? undefined : change.body);
      },
      () => void followAgain(),
    );
  }

  async function followAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        return await follow();
      } catch (error) {
        log.debug("the CustomResourceDefinitions could not be read and are tried again", { error: String(error) });
        await clock.sleep(retryMs, stopping.signal).catch(() => {});
      }
    }
  }

  await follow();
  return {
    async catchUp() {
      const wanted = await store.reader.currentRv();
      if (store.feed.lastRv >= wanted) return false;
      store.feed.hint();
      for (let waited = 0; store.feed.lastRv < wanted && waited < catchUpMs; waited += lookMs) await clock.sleep(lookMs, stopping.signal);
      return true;
    },
    [Symbol.dispose]() {
      stopping.abort();
      subscription?.[Symbol.dispose]();
    },
  };
}
