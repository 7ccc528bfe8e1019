import type { Clock } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { describe, expect, test } from "vitest";
import { Interrupted, type CliContext } from "../context.ts";
import { createLiveView, restoreTerminal } from "./live-view.ts";
import { waitFor } from "./wait-for.ts";

/** Time that passes only in sleeps; timers fire when the test says so. */
function scriptedClock(): Clock & { fire(): void } {
  let now = 0;
  let timer: (() => void) | undefined;
  return {
    now: () => now,
    monotonic: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
    },
    after: (_ms, fn) => {
      timer = fn;
      return { [Symbol.dispose]: () => (timer = undefined) };
    },
    fire: () => timer?.(),
  };
}

describe("a wait", () => {
  const options = (clock: Clock, more: object = {}) => ({ clock, signal: new AbortController().signal, timeoutMs: 10_000, ...more });

  test("looks until there is something", async () => {
    let looks = 0;
    expect(await waitFor(async () => (++looks < 5 ? undefined : "found"), options(scriptedClock()))).toBe("found");
    expect(looks).toBe(5);
  });

  test("ends at its deadline, after a last look", async () => {
    const clock = scriptedClock();
    await expect(waitFor(async () => undefined, options(clock))).rejects.toMatchObject({ code: "TP_DEADLINE" });
    expect(clock.monotonic()).toBe(10_000);
  });

  test("outlives a control plane that is away, and tells of it once", async () => {
    const told: (string | undefined)[] = [];
    let looks = 0;
    const look = async () => {
      if (++looks < 5) throw new PlatformError("TP_RUNTIME_UNREACHABLE", { message: "away" });
      return "back";
    };
    expect(await waitFor(look, options(scriptedClock(), { onTrouble: (sentence: string | undefined) => void told.push(sentence) }))).toBe("back");
    expect(told).toEqual(["away", undefined]);
  });

  test("a control plane that stays away is what is told at the deadline", async () => {
    const look = async () => {
      throw new PlatformError("TP_UNAVAILABLE", { message: "away" });
    };
    await expect(waitFor(look, options(scriptedClock()))).rejects.toMatchObject({ code: "TP_UNAVAILABLE" });
  });

  test("an error that does not pass ends it at once", async () => {
    let looks = 0;
    const look = async () => {
      looks++;
      throw new PlatformError("TP_FORBIDDEN");
    };
    await expect(waitFor(look, options(scriptedClock()))).rejects.toMatchObject({ code: "TP_FORBIDDEN" });
    expect(looks).toBe(1);
  });

  test("Ctrl-C ends it with its own reason, also in the middle of a look", async () => {
    const stop = new AbortController();
    const look = async () => {
      stop.abort(new Interrupted("SIGINT"));
      throw new PlatformError("TP_RUNTIME_UNREACHABLE");
    };
    await expect(waitFor(look, { ...options(scriptedClock()), signal: stop.signal })).rejects.toBeInstanceOf(Interrupted);
  });
});

describe("what moves on a terminal", () => {
  function screen(interactive: boolean, rows = 24): { context: CliContext; written: () => string; lines: () => string[] } {
    let written = "";
    const context = {
      process: { stdout: { write: (text: string) => void (written += text) } },
      terminal: { interactive, size: () => ({ columns: 80, rows }), paint: (_: string, text: string) => text },
    } as unknown as CliContext;
    return { context, written: () => written, lines: () => rendered(written) };
  }

  /** The little of a terminal that is used: lines, going up, clearing a line and everything below. */
  function rendered(text: string): string[] {
    const rows: string[] = [""];
    let row = 0;
    for (const [token] of text.matchAll(/\u001b\[\??(\d*)[A-Za-z]|\n|\r|[^\u001b\n\r]+/g)) {
      if (token === "\n") rows[++row] ??= "";
      else if (token.endsWith("A") && token.startsWith("\u001b")) row = Math.max(row - Number(token.slice(2, -1)), 0);
      else if (token === "\u001b[2K") rows[row] = "";
      else if (token === "\u001b[0J") rows.splice(row, rows.length, ""); // the cursor is at the start of a line
      else if (!token.startsWith("\u001b") && token !== "\r") rows[row] += token;
    }
    return rows.filter((line, index) => line !== "" || index < rows.length - 1);
  }

  test("each picture replaces the one before, longer or shorter, and kept lines stay above", () => {
    const clock = scriptedClock();
    const { context, lines } = screen(true);
    using view = createLiveView(context, clock);
    view.show((frame) => [`frame ${frame}`, "two", "three"]);
    expect(lines()).toEqual(["frame 1", "two", "three"]);
    clock.fire();
    expect(lines()).toEqual(["frame 2", "two", "three"]);
    view.keep("done: one");
    view.show(() => ["short"]);
    clock.fire();
    expect(lines()).toEqual(["done: one", "short"]);
    view.end(["the end"]);
    clock.fire();
    expect(lines()).toEqual(["done: one", "the end"]);
  });

  test("a picture never has more rows than the terminal, or it could not be taken back", () => {
    const { context, lines } = screen(true, 5);
    using view = createLiveView(context, scriptedClock());
    view.show(() => Array.from({ length: 50 }, (_, index) => `row ${index}`));
    expect(lines()).toHaveLength(4);
  });

  test("however it ends, the terminal is as it was", () => {
    const { context, written } = screen(true);
    {
      using view = createLiveView(context, scriptedClock());
      view.show(() => ["x"]);
    }
    expect(written().endsWith(restoreTerminal)).toBe(true);
  });

  test("in a pipe nothing moves and no escape sequence is written", () => {
    const { context, written } = screen(false);
    {
      using view = createLiveView(context, scriptedClock());
      view.show(() => ["moving"]);
      view.keep("kept");
      view.end(["last"]);
    }
    expect(written()).toBe("kept\nlast\n");
  });
});
