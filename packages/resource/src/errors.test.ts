import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { errorRegistry, type ErrorEntry, isErrorCode, PlatformError, toPlatformError } from "./errors.ts";

const page = readFileSync(fileURLToPath(new URL("../../../docs/errors.md", import.meta.url)), "utf8");
const documented = new Map(
  page
    .split("\n")
    .filter((line) => line.startsWith("| `TP_"))
    .map((line) => {
      const [code = "", ...cells] = line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim());
      return [code.replaceAll("`", ""), cells] as const;
    }),
);
const registered: [string, ErrorEntry][] = Object.entries(errorRegistry);

describe("docs/errors.md", () => {
  test("knows every code, and no other", () => {
    expect([...documented.keys()].sort()).toEqual(registered.map(([code]) => code).sort());
  });

  test.each(registered)("%s says there what it says here, and what to do", (code, entry) => {
    const [says, http, exit, retry, advice] = documented.get(code) ?? [];
    expect({ says, http, exit, retry }).toEqual({ says: entry.public, http: `${entry.http} ${entry.reason}`, exit: String(entry.exit), retry: entry.retry });
    expect(advice).toMatch(/\w.*\.$|\w.*\)$/);
  });
});

describe("the registry", () => {
  test.each(registered)("%s has a whole sentence, a status of an error and an exit code of one", (_code, entry) => {
    expect(entry.public).toMatch(/^[A-Z].*\.$/);
    expect(entry.http).toBeGreaterThanOrEqual(400);
    expect(entry.http).toBeLessThan(600);
    expect(entry.exit).toBeGreaterThanOrEqual(1);
    expect(entry.exit).toBeLessThanOrEqual(8);
  });

  test("what a client sent wrong is never tried again by itself", () => {
    const hopeless = registered.filter(([, { http }]) => [400, 403, 405, 406, 413, 415, 422, 431].includes(http));
    expect(hopeless.filter(([, { retry }]) => retry !== "never")).toEqual([]);
  });
});

describe("an error", () => {
  test("without words of its own says the sentence of its code", () => {
    expect(new PlatformError("TP_IN_USE").message).toBe(errorRegistry.TP_IN_USE.public);
    expect(new PlatformError("TP_IN_USE", { message: "by two others" }).message).toBe("by two others");
  });

  test("that is ours stays itself; anything else that is thrown becomes internal and keeps its cause", () => {
    const ours = new PlatformError("TP_NOT_FOUND");
    expect(toPlatformError(ours)).toBe(ours);
    for (const thrown of [new TypeError("x"), "text", undefined, null, { code: "TP_NOT_FOUND" }]) {
      const error = toPlatformError(thrown);
      expect(error.code).toBe("TP_INTERNAL");
      expect(error.cause).toBe(thrown);
      expect(error.message).toBe(errorRegistry.TP_INTERNAL.public);
      expect(isErrorCode(thrown, "TP_NOT_FOUND")).toBe(false);
    }
    expect(isErrorCode(ours, "TP_NOT_FOUND")).toBe(true);
  });
});
