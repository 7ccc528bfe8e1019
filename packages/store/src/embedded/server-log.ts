import { constants } from "node:fs";
import { copyFile, open, stat, truncate } from "node:fs/promises";
import type { Clock } from "@threeport/platform";

/** Size at which the log is moved aside, in bytes; one old log is kept, so twice this is the most it takes. */
const logBytesMax = 4 * 1024 * 1024;
/** How often the size is looked at, in milliseconds. The server writes a few lines a day when nothing is wrong. */
const logCheckEveryMs = 60_000;
/** How much of the end is shown when the server does not start, in bytes. */
const tailBytes = 2_048;

/** Opens the log for a server to write to. Appending, so that it can be cut while the server writes; never through a link. */
export function openServerLog(path: string): ReturnType<typeof open> {
  return open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
}

/** Keeps the log of a running server, also one that we adopted, below its limit until disposed. */
export function boundServerLog(path: string, clock: Clock): Disposable {
  let timer: Disposable | undefined;
  const check = () => {
    void rotateServerLog(path).finally(() => {
      if (timer !== undefined) timer = clock.after(logCheckEveryMs, check);
    });
  };
  timer = clock.after(logCheckEveryMs, check);
  return {
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]();
      timer = undefined;
    },
  };
}

/** Moves a log that grew too large aside, as a copy: the server keeps its descriptor. A failure (full disk) leaves the log as it is for the next check. */
export async function rotateServerLog(path: string, bytesMax = logBytesMax): Promise<void> {
  try {
    if ((await stat(path)).size <= bytesMax) return;
    await copyFile(path, `${path}.1`);
    await truncate(path, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/** Size of the log now, to tell later which part a new server wrote. */
export async function logSize(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** What was written after byte `from`: its last few lines. */
export async function readTail(path: string, from: number): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const { size } = await file.stat();
  const start = Math.max(from, size - tailBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - start)), 0, Math.max(0, size - start), start);
  return buffer.toString("utf8", 0, bytesRead).trim();
}
