import { appendFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Logger } from "@threeport/platform";

/** Entries wait this long for others to be written with. */
const gatherMs = 200;
/** What may wait to be written, in characters; beyond, entries are dropped and counted, so that a slow disk holds up nobody (F18). */
const waitingMax = 4 * 1024 * 1024;
/** A file of this size becomes `.1`, the last `.1` becomes `.2`, and so on. */
const fileBytesMax = 16 * 1024 * 1024;
/** With the present one, five files: 80 MiB at most. */
const oldFiles = 4;

export interface AuditLog extends AsyncDisposable {
  /** Takes an entry; never waits and never fails. */
  record(entry: object): void;
}

/** A bounded log of JSON lines in `folder`. */
export function openAuditLog(folder: string, { clock, log }: { readonly clock: Clock; readonly log: Logger }): AuditLog {
  const path = join(folder, "audit.jsonl");
  let lines: string[] = [];
  let waiting = 0;
  let dropped = 0;
  let writing: Promise<void> = Promise.resolve();
  let timer: Disposable | undefined;

  async function flush(): Promise<void> {
    timer = undefined;
    const batch = lines;
    const lost = dropped;
    lines = [];
    waiting = dropped = 0;
    if (lost > 0) batch.push(`${JSON.stringify({ time: new Date(clock.now()).toISOString(), dropped: lost })}\n`);
    try {
      if (batch.length > 0) await appendFile(path, batch.join(""), { mode: 0o600 });
      await rotate(path);
    } catch (error) {
      log.info("the audit log cannot be written; entries are lost", { path, entries: batch.length, error: String(error) });
    }
  }

  function arm(): void {
    timer ??= clock.after(gatherMs, () => {
      writing = writing.then(flush);
    });
  }

  return {
    record(entry) {
      const line = `${JSON.stringify(entry)}\n`;
      if (waiting + line.length > waitingMax) dropped++;
      else {
        lines.push(line);
        waiting += line.length;
      }
      arm();
    },
    async [Symbol.asyncDispose]() {
      timer?.[Symbol.dispose]();
      await (writing = writing.then(flush));
    },
  };
}

async function rotate(path: string): Promise<void> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size < fileBytesMax) return;
  for (let number = oldFiles; number > 1; number--) await rename(`${path}.${number - 1}`, `${path}.${number}`).catch(() => {}); // not there yet
  await rename(path, `${path}.1`);
}
