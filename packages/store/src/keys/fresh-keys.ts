import type { Clock, Logger } from "@threeport/platform";
import { isErrorCode } from "@threeport/resource";
import type { Reader } from "../reader.ts";
import type { Sealer } from "./sealer.ts";

/** How often a process looks for new data keys when no hint of a rotation reached it. */
const lookEveryMs = 5_000;

/** Another process rotated the data keys: what this one does not know yet is read, and `run` runs once more. */
export async function withFreshKeys<T>(sealer: Sealer, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isErrorCode(error, "TP_KEY_UNKNOWN")) throw error;
    await sealer.refresh();
    return run();
  }
}

export function readerWithFreshKeys(reader: Reader, sealer: Sealer): Reader {
  return {
    get: (key) => withFreshKeys(sealer, () => reader.get(key)),
    list: (input) => withFreshKeys(sealer, () => reader.list(input)),
    changes: (input) => withFreshKeys(sealer, () => reader.changes(input)),
    countBehind: (input) => reader.countBehind(input),
    currentRv: () => reader.currentRv(),
  };
}

export interface KeyWatch extends Disposable {
  /** There may be a new key. */
  hint(): void;
}

/** Takes up new data keys. `onLate`: this process may have sealed under the old key after the new one was there. */
export function watchKeys(
  sealer: Sealer,
  { clock, log, onLate }: { readonly clock: Clock; readonly log: Logger; readonly onLate: () => Promise<void> },
): KeyWatch {
  let stopped = false;
  let timer: Disposable | undefined;
  let seen = sealer.newest; // a read may have taken up the new key before this looks
  const look = async (): Promise<void> => {
    timer?.[Symbol.dispose]();
    try {
      await sealer.refresh();
      if (sealer.newest !== seen) await onLate();
      seen = sealer.newest;
    } catch (error) {
      log.debug("the data keys could not be read again", { error: String(error) });
    }
    timer?.[Symbol.dispose]();
    if (!stopped) timer = clock.after(lookEveryMs, () => void look());
  };
  timer = clock.after(lookEveryMs, () => void look());
  return {
    hint: () => void look(),
    [Symbol.dispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
    },
  };
}
