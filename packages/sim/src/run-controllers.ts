import type { Logger } from "@threeport/platform";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import { parseWorkKey, workKey, type Change } from "@threeport/store";
import type { SimTime } from "./time.ts";
import type { Again } from "./controller.ts";

/** A controller bound to its cluster. */
export interface Runnable {
  readonly name: string;
  readonly watches: readonly { readonly resource: string; readonly keys?: (object: StoredObject) => readonly string[] }[];
  run(key: { readonly namespace: string; readonly name: string; readonly text: string }): Promise<Again | undefined>;
}

export interface Runner {
  /** Called with each change, in order. */
  onChange(change: Change): void;
  /** Looks at a key of a controller soon. */
  wake(controller: string, key: string): void;
  /** Nothing runs after this, for a cluster that ends. */
  stop(): void;
}

const retryMs = { first: 50, most: 60_000 };

/** Runs controllers on virtual time. A key waits once, at the earliest time that somebody asked for. */
export function createRunner(controllers: readonly Runnable[], { time, log }: { readonly time: SimTime; readonly log: Logger }): Runner {
  const byName = new Map(controllers.map((controller) => [controller.name, controller]));
  const watching = new Map<string, { controller: Runnable; keys: ((object: StoredObject) => readonly string[]) | undefined }[]>();
  for (const controller of controllers) {
    for (const { resource, keys } of controller.watches) watching.set(resource, [...(watching.get(resource) ?? []), { controller, keys }]);
  }
  const waiting = new Map<string, { readonly dueMs: number; readonly timer: Disposable }>();
  const failures = new Map<string, number>();
  let stopped = false;

  function enqueue(controller: Runnable, text: string, afterMs: number): void {
    if (stopped) return;
    const id = `${controller.name}|${text}`;
    const dueMs = time.now() + afterMs;
    const known = waiting.get(id);
    if (known !== undefined && known.dueMs <= dueMs) return;
    known?.timer[Symbol.dispose]();
    waiting.set(id, {
      dueMs,
      timer: time.after(afterMs, () => {
        waiting.delete(id); // before it runs: what changes meanwhile is looked at again
        return look(controller, text, id);
      }),
    });
  }

  async function look(controller: Runnable, text: string, id: string): Promise<void> {
    try {
      const again = await controller.run({ ...parseWorkKey(text), text });
      failures.delete(id);
      if (again !== undefined) enqueue(controller, text, again.afterMs);
    } catch (error) {
      const failed = (failures.get(id) ?? 0) + 1;
      failures.set(id, failed);
      if (!isErrorCode(error, "TP_VERSION_CONFLICT") && !stopped)
        log.info("a simulated controller failed; it tries again", { controller: controller.name, key: text, error: String(error) });
      enqueue(controller, text, Math.min(retryMs.most, retryMs.first * 2 ** Math.min(failed - 1, 20)));
    }
  }

  return {
    onChange({ key, body }) {
      let object: StoredObject | undefined;
      for (const { controller, keys } of watching.get(key.kind) ?? []) {
        const texts = keys === undefined ? [workKey(key.namespace, key.name)] : keys((object ??= JSON.parse(body) as StoredObject));
        for (const text of texts) enqueue(controller, text, 0);
      }
    },
    wake(name, key) {
      const controller = byName.get(name);
      if (controller !== undefined) enqueue(controller, key, 0);
    },
    stop() {
      stopped = true;
      for (const { timer } of waiting.values()) timer[Symbol.dispose]();
      waiting.clear();
    },
  };
}
