import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tarBytes, type TarEntry, writeTar } from "./tar.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "threeport-tar-"));
});
afterAll(() => rm(folder, { recursive: true }));

const file = (path: string, text: string, mode = 0o644): TarEntry => ({
  kind: "file",
  path,
  mode,
  bytes: Buffer.byteLength(text),
  content: once(Buffer.from(text)),
});
async function* once(bytes: Uint8Array) {
  yield bytes;
}

async function collect(entries: readonly TarEntry[]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(writeTar(entries)));
}

test("the system's tar unpacks files, folders and links with names of every length and their modes", async () => {
  const names = ["short", "x".repeat(99), "y".repeat(100), "z".repeat(101), `${"d".repeat(120)}/${"e".repeat(130)}`, "grüße/名前"];
  const entries: TarEntry[] = [
    { kind: "directory", path: "bin", mode: 0o1777 },
    file("bin/run", "#!/bin/sh\n", 0o755),
    { kind: "link", path: "bin/alias", target: "run" },
    { kind: "link", path: "bin/far", target: "t".repeat(150) },
    ...names.map((name) => file(name, `content of ${name}`)),
    file("block", "b".repeat(512)),
    file("empty", ""),
  ];
  const archive = await collect(entries);
  expect(archive.length).toBe(tarBytes(entries));
  await writeFile(join(folder, "a.tar"), archive);
  execFileSync("tar", ["-xf", "a.tar"], { cwd: folder });
  for (const name of names) expect(await readFile(join(folder, name), "utf8")).toBe(`content of ${name}`);
  expect(await readlink(join(folder, "bin/alias"))).toBe("run");
  expect(await readlink(join(folder, "bin/far"))).toBe("t".repeat(150));
  expect((await stat(join(folder, "bin"))).mode & 0o7777).toBe(0o1777);
  expect((await stat(join(folder, "bin/run"))).mode & 0o7777).toBe(0o755);
  expect((await stat(join(folder, "block"))).size).toBe(512);
  expect((await stat(join(folder, "empty"))).size).toBe(0);
});

test("a pax record counts the digits of its own length, also where that adds a digit", async () => {
  // 101…  bytes of path give record lengths around 999 → 1000, where the length's own digits change it
  for (let length = 985; length < 995; length++) {
    const archive = await collect([file("p".repeat(length), "x")]);
    await writeFile(join(folder, "b.tar"), archive);
    const listed = execFileSync("tar", ["-tf", "b.tar"], { cwd: folder, encoding: "utf8" });
    expect(listed).toBe(`${"p".repeat(length)}\n`);
  }
});

test("a file that is not as long as announced is refused, so that no broken archive is written", async () => {
  const entry: TarEntry = { kind: "file", path: "grown", mode: 0o644, bytes: 3, content: once(Buffer.from("four")) };
  await expect(collect([entry])).rejects.toThrow("grown changed while it was packed");
});

test("the same files make the same bytes", async () => {
  const entries = () => [file("a", "1"), file("b", "2", 0o755)];
  expect(await collect(entries())).toEqual(await collect(entries()));
});
