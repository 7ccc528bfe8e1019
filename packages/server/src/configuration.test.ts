import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { readConfiguration } from "./configuration.ts";

test("a mirror is a folder that is there, or an address", async () => {
  expect((await readConfiguration(["--mirror", tmpdir()], {})).mirror).toBe(tmpdir());
  expect((await readConfiguration([], { THREEPORT_MIRROR: "https://mirror.example.com/x" })).mirror).toBe("https://mirror.example.com/x");
  await expect(readConfiguration(["--mirror", "/nowhere/at/all"], {})).rejects.toThrow(
    '--mirror must be a folder that is there, or an https address, not "/nowhere/at/all"',
  );
  await expect(readConfiguration([], { THREEPORT_MIRROR: "/nowhere" })).rejects.toThrow(/^THREEPORT_MIRROR must be/);
});

test("private ranges that may be reached are told in CIDR form", async () => {
  expect((await readConfiguration(["--fetch-from", "10.0.0.0/8, fd00::/8"], {})).fetchFrom).toEqual(["10.0.0.0/8", "fd00::/8"]);
  await expect(readConfiguration(["--fetch-from", "10.0.0.1"], {})).rejects.toThrow(/--fetch-from must be ranges such as 10\.0\.0\.0\/8/);
});
