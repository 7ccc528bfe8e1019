import { expect, test } from "vitest";
import { completeLock } from "./complete-lock.ts";

const lockOf = (packages: object) => `${JSON.stringify({ name: "x", lockfileVersion: 3, packages: { "": { name: "x" }, ...packages } }, null, 2)}\n`;
const tool = (...names: readonly string[]) => ({ version: "1.0.0", dev: true, optionalDependencies: Object.fromEntries(names.map((name) => [name, "1.0.0"])) });

test("a lock that holds everything is left as it is, to the byte", () => {
  const text = lockOf({ "node_modules/tool": tool("@tool/linux-x64"), "node_modules/@tool/linux-x64": { version: "1.0.0" } });
  expect(completeLock(text)).toBe(text);
});

test("what is missing gets an entry that says for which platform it is, in the place where npm would write it", () => {
  const names = ["@tool/binding-linux-arm-musleabihf", "@tool/binding-win32-x64-msvc", "@tool/darwin-arm64"];
  const completed = JSON.parse(completeLock(lockOf({ "node_modules/zod": { version: "4.0.0" }, "node_modules/tool": tool(...names) }))) as { packages: object };
  expect(Object.entries(completed.packages)).toEqual([
    ["", { name: "x" }],
    ["node_modules/@tool/binding-linux-arm-musleabihf", { version: "1.0.0", os: ["linux"], cpu: ["arm"], libc: ["musl"], dev: true, optional: true }],
    ["node_modules/@tool/binding-win32-x64-msvc", { version: "1.0.0", os: ["win32"], cpu: ["x64"], dev: true, optional: true }],
    ["node_modules/@tool/darwin-arm64", { version: "1.0.0", os: ["darwin"], cpu: ["arm64"], dev: true, optional: true }],
    ["node_modules/tool", tool(...names)],
    ["node_modules/zod", { version: "4.0.0" }],
  ]);
});

test("a package beside the one that wants it counts, wherever that is", () => {
  const text = lockOf({ "node_modules/a/node_modules/tool": tool("@tool/linux-x64"), "node_modules/a/node_modules/@tool/linux-x64": { version: "1.0.0" } });
  expect(completeLock(text)).toBe(text);
});

test("an optional package that is missing for another reason is not invented", () => {
  expect(() => completeLock(lockOf({ "node_modules/tool": tool("fsevents") }))).toThrow(/fsevents/);
});
