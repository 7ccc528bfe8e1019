import { rm } from "node:fs/promises";
import type { RunningProcess } from "../../../packages/platform/src/index.ts";

const processes = new Set<RunningProcess>();
const folders = new Set<string>();
let listening = false;

/** Ctrl-C ends what was started too, and removes folders: nothing of a benchmark stays. */
export function endWithUs(started: RunningProcess): void {
  processes.add(started);
  void started.exited.then(() => processes.delete(started));
  listen();
}

export function removeWithUs(folder: string): void {
  folders.add(folder);
  listen();
}

function listen(): void {
  if (listening) return;
  listening = true;
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(signal, () => {
      void Promise.allSettled([...processes].map((started) => started[Symbol.asyncDispose]()))
        .then(() => Promise.allSettled([...folders].map((folder) => rm(folder, { recursive: true, force: true }))))
        .finally(() => process.exit(code));
    });
  }
}
