import { PlatformError } from "@threeport/resource";
import { describe, expect, test } from "vitest";
import { Interrupted, type CliContext } from "../context.ts";
import { reportError } from "./report-error.ts";
import { serverTableLines } from "./server-table.ts";
import { tableLines } from "./table.ts";
import { createTerminal, cut, plainText } from "./terminal.ts";

describe("tables", () => {
  test("columns are as wide as their widest cell, three spaces stand between them, and nothing stands behind the last", () => {
    expect(
      tableLines({
        columns: ["name", "ready"],
        rows: [
          ["web-dev", "True"],
          ["x", undefined],
        ],
      }),
    ).toEqual(["NAME      READY", "web-dev   True", "x"]);
  });

  test("what others wrote into a cell cannot write to the terminal", () => {
    expect(tableLines({ columns: ["a"], rows: [["\u001b[31mred\u001b[0m\nnext\u202elast"]] })[1]).toBe("red next last");
  });

  const columns = [{ name: "Name" }, { name: "Ready" }, { name: "Server", priority: 1 }];
  const rows = [{ cells: ["local", "True", "https://a"], object: { metadata: { name: "local", namespace: "shop" } } }];
  test("columns of lower priority are for -o wide, and namespaces for -A", () => {
    expect(serverTableLines(columns, rows, { wide: false, namespaces: false })).toEqual(["NAME    READY", "local   True"]);
    expect(serverTableLines(columns, rows, { wide: true, namespaces: true })).toEqual([
      "NAMESPACE   NAME    READY   SERVER",
      "shop        local   True    https://a",
    ]);
  });
});

describe("the terminal", () => {
  test.each([
    { name: "a pipe", stream: {}, environment: {}, text: "x" },
    { name: "NO_COLOR", stream: { isTTY: true }, environment: { NO_COLOR: "1" }, text: "x" },
    {
      name: "an empty NO_COLOR, which no-color.org says does not count",
      stream: { isTTY: true },
      environment: { NO_COLOR: "" },
      text: "\u001b[31mx\u001b[39m",
    },
    { name: "a dumb terminal", stream: { isTTY: true }, environment: { TERM: "dumb" }, text: "x" },
  ])("$name decides about colours", ({ stream, environment, text }) => {
    expect(createTerminal(stream, environment).paint("red", "x")).toBe(text);
  });

  test("cutting counts characters, not code units", () => {
    expect([cut("😀😀😀", 3), cut("😀😀😀", 2), cut("abc", 1), cut("abc", 0)]).toEqual(["😀😀😀", "😀…", "…", ""]);
  });

  test("plain text is one line", () => {
    expect(plainText("a\r\nb\u0000c\u0085d")).toBe("a b c d");
  });
});

describe("errors", () => {
  function report(thrown: unknown): { code: number; lines: string[] } {
    const lines: string[] = [];
    const context = { process: { stdout: { write: () => {} }, stderr: { write: (text: string) => void lines.push(text.trimEnd()) } } } as unknown as CliContext;
    return { code: reportError(context, thrown), lines };
  }

  test("causes are lines of their own, the sentence does not repeat them, and the exit code is that of the class", () => {
    const error = new PlatformError("TP_INVALID", {
      message: 'Environment "e" is invalid: spec.tier: Unsupported',
      causes: [{ field: "app.yaml:3:5 spec.tier", message: "Unsupported" }],
    });
    expect(report(error)).toEqual({
      code: 3,
      lines: ['error: Environment "e" is invalid', "  app.yaml:3:5 spec.tier: Unsupported", "hint: correct the fields named above and try again"],
    });
  });

  test("a cause that the sentence has told is not told again", () => {
    const causes = [{ field: "contexts", message: "it has no context" }];
    const { lines } = report(new PlatformError("TP_KUBECONFIG_INVALID", { message: "f: the kubeconfig cannot be used: contexts: it has no context", causes }));
    expect(lines).toEqual(["error: f: the kubeconfig cannot be used: contexts: it has no context"]);
  });

  test("a control plane that does not answer leads to tptctl up", () => {
    const { code, lines } = report(new PlatformError("TP_RUNTIME_UNREACHABLE", { message: "127.0.0.1:1 cannot be reached: connection refused" }));
    expect(code).toBe(7);
    expect(lines).toEqual(["error: the control plane at 127.0.0.1:1 cannot be reached: connection refused", expect.stringContaining("tptctl up") as string]);
  });

  test("many causes are counted, not printed", () => {
    const { lines } = report(
      new PlatformError("TP_INVALID", { causes: Array.from({ length: 500 }, (_, index) => ({ field: `f${index}`, message: "wrong" })) }),
    );
    expect(lines).toHaveLength(23);
    expect(lines[21]).toBe("  … and 480 more");
  });

  test("a fault of our own is told as one", () => {
    expect(report(new TypeError("x is not a function"))).toMatchObject({
      code: 1,
      lines: ["error: tptctl failed: x is not a function", expect.stringContaining("report it") as string],
    });
  });

  test("Ctrl-C is no error, and says that only the looking has ended", () => {
    expect(report(new Interrupted("SIGINT"))).toEqual({ code: 130, lines: [expect.stringContaining("goes on")] });
  });
});
