// Where log lines go (F18). What must always hold: a reader that does not read, a full disk or a closed pipe costs log lines, and never time or memory:
//   - nothing here waits for the output, and a write is never made on the event loop;
//   - at most `keptBytesMax` wait; what comes beyond is dropped and counted, and the next line that goes through says how many.
import { write } from "node:fs";
import { EventEmitter, once } from "node:events";
import { rfc3339Micro, type Clock } from "@threeport/platform";

export interface LogOutput {
  write(line: string): void;
  /** Resolves when all that was written so far has gone out, or was dropped. May never. */
  flushed(): Promise<void>;
}

/** Some thousands of lines: what a busy moment says while the disk is slow. */
const keptBytesMax = 1024 * 1024;

export function createLogOutput(fd: number, clock: Clock): LogOutput {
  const idle = new EventEmitter();
  let waiting: string[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let writing = false;

  function next(): void {
    if (waiting.length === 0 || writing) {
      if (!writing) idle.emit("idle");
      return;
    }
    writing = true;
    const lines = waiting;
    const bytes = Buffer.from(lines.join(""));
    waiting = [];
    waitingBytes = 0;
    put(bytes, (failed) => {
      writing = false;
      if (failed) dropped += lines.length;
      else if (dropped > 0) {
        waiting.unshift(
          `${JSON.stringify({ level: 30, time: rfc3339Micro(clock.now()), lines: dropped, msg: "log lines were dropped: the output did not take them" })}\n`,
        );
        dropped = 0;
      }
      next();
    });
  }

  /** A write may take a part. In a thread of the pool: a pipe that nobody reads holds up that one only. */
  function put(bytes: Buffer, done: (failed: boolean) => void): void {
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === "EAGAIN") clock.after(retryMs, () => put(bytes, done));
      else if (error !== null) done(true);
      else if (written < bytes.length) put(bytes.subarray(written), done);
      else done(false);
    });
  }

  return {
    write(line) {
      if (waitingBytes + line.length > keptBytesMax) {
        dropped++;
        return;
      }
      waiting.push(line);
      waitingBytes += line.length;
      next();
    },
    async flushed() {
      if (writing || waiting.length > 0) await once(idle, "idle");
    },
  };
}

/** An output that is not ready and does not block is tried again after this time. */
const retryMs = 50;
