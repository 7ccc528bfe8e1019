import type { Clock } from "@threeport/platform";
import type { CliContext } from "../context.ts";

/** Lines that stand for the present state, drawn with a frame number that grows while nothing else changes. */
export type Frame = (frame: number) => readonly string[];

/** The part of the terminal that moves. Where output is no terminal, nothing moves and only lines that are kept are printed. */
export interface LiveView extends Disposable {
  /** Replaces what is shown. Ignored where nothing can move. */
  show(frame: Frame): void;
  /** Prints a line for good, above what moves. */
  keep(line: string): void;
  /** Ends the movement; the lines (if any) stay for good. */
  end(lines?: readonly string[]): void;
}

/** Time between two pictures: a spinner looks alive, a slow connection keeps up. */
const frameMs = 100;

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
/** Without wrapping, a line is a row, so the rows to go back are known. */
const wrapOff = "\u001b[?7l";
const wrapOn = "\u001b[?7h";
const clearLine = "\u001b[2K";
const clearBelow = "\u001b[0J";
/** What a terminal needs to be as it was; safe to send twice. */
export const restoreTerminal = `${wrapOn}${showCursor}`;

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;

export function spinnerAt(frame: number): string {
  return spinner[frame % spinner.length] ?? "·";
}

export function createLiveView(context: CliContext, clock: Clock): LiveView {
  const { stdout } = context.process;
  if (!context.terminal.interactive)
    return {
      show: () => {},
      keep: (line) => void stdout.write(`${line}\n`),
      end: (lines = []) => lines.forEach((line) => stdout.write(`${line}\n`)),
      [Symbol.dispose]: () => {},
    };
  let picture: Frame = () => [];
  let drawn = 0;
  let frame = 0;
  let ended = false;
  let timer: Disposable | undefined;

  /** One write for each picture, so that nobody sees half of it. */
  function draw(lines: readonly string[], above: readonly string[] = []): void {
    const up = drawn > 0 ? `\u001b[${drawn}A` : "";
    stdout.write(`${hideCursor}${wrapOff}${up}\r${[...above, ...lines].map((line) => `${clearLine}${line}\n`).join("")}${clearBelow}`);
    drawn = lines.length;
  }

  function visible(): readonly string[] {
    return picture(frame).slice(0, Math.max(context.terminal.size().rows - 1, 1));
  }

  function tick(): void {
    if (ended) return;
    frame++;
    draw(visible());
    timer = clock.after(frameMs, tick);
  }

  const end = (lines: readonly string[] = []): void => {
    if (ended) return;
    ended = true;
    timer?.[Symbol.dispose]();
    if (timer !== undefined || lines.length > 0) {
      draw(lines);
      stdout.write(restoreTerminal);
    }
  };

  return {
    show(next) {
      picture = next;
      if (timer === undefined) tick();
    },
    keep: (line) => (ended || timer === undefined ? void stdout.write(`${line}\n`) : draw(visible(), [line])),
    end,
    [Symbol.dispose]: () => end(),
  };
}
