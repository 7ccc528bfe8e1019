import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemExec } from "@threeport/platform";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeImage } from "./image.ts";
import { linkedFiles } from "./linked-files.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "threeport-image-"));
});
afterAll(() => rm(folder, { recursive: true }));

const tarList = (archive: string) => execFileSync("tar", ["-tf", archive], { encoding: "utf8" }).trim().split("\n");
const tarCat = (archive: string, path: string) => execFileSync("tar", ["-xOf", archive, path]);

test("an image is a docker-archive whose manifest, configuration and layer agree", async () => {
  const out = join(folder, "app.tar");
  await makeImage({
    out,
    name: "docker.io/library/app:1",
    files: [
      { path: "/srv/deep/app.txt", content: "hello" },
      { path: "/srv/alias", link: "deep/app.txt" },
      { path: "/tmp", folderMode: 0o1777 },
    ],
    entrypoint: ["/srv/run"],
    cmd: ["--flag"],
    env: { MODE: "test" },
    user: "1000:1000",
  });
  const manifest = JSON.parse(tarCat(out, "manifest.json").toString()) as [{ Config: string; RepoTags: string[]; Layers: string[] }];
  expect(manifest[0].RepoTags).toEqual(["docker.io/library/app:1"]);
  const configBytes = tarCat(out, manifest[0].Config);
  expect(manifest[0].Config).toBe(`${createHash("sha256").update(configBytes).digest("hex")}.json`);
  const config = JSON.parse(configBytes.toString()) as { config: Record<string, unknown>; rootfs: { diff_ids: string[] } };
  const layer = tarCat(out, "layer.tar");
  expect(config.rootfs.diff_ids).toEqual([`sha256:${createHash("sha256").update(layer).digest("hex")}`]);
  expect(config.config).toMatchObject({ Entrypoint: ["/srv/run"], Cmd: ["--flag"], User: "1000:1000", WorkingDir: "/" });
  expect(config.config["Env"]).toContain("MODE=test");
  const layerPath = join(folder, "layer.tar");
  await writeFile(layerPath, layer);
  expect(tarList(layerPath)).toEqual(["srv/", "srv/deep/", "srv/deep/app.txt", "srv/alias", "tmp/"]);
  expect(tarCat(layerPath, "srv/deep/app.txt").toString()).toBe("hello");
});

test("a folder of this machine is packed with its links, and a later file replaces an earlier one", async () => {
  const source = join(folder, "source");
  await mkdir(join(source, "lib"), { recursive: true });
  await writeFile(join(source, "lib/a.js"), "1");
  await symlink("a.js", join(source, "lib/b.js"));
  const out = join(folder, "tree.tar");
  await makeImage({
    out,
    name: "localhost/tree:1",
    files: [
      { path: "/app", from: source },
      { path: "/app/lib/a.js", content: "2" },
    ],
  });
  const layerPath = join(folder, "tree-layer.tar");
  await writeFile(layerPath, tarCat(out, "layer.tar"));
  expect(tarList(layerPath)).toEqual(["app/", "app/lib/", "app/lib/a.js", "app/lib/b.js"]);
  expect(tarCat(layerPath, "app/lib/a.js").toString()).toBe("2");
});

test("the same files make the same image, byte for byte", async () => {
  const bytes = async (out: string) => {
    await makeImage({ out, name: "localhost/same:1", files: [{ path: "/a", content: "1" }] });
    return readFile(out);
  };
  expect(await bytes(join(folder, "one.tar"))).toEqual(await bytes(join(folder, "two.tar")));
});

test("a failed image leaves no file behind", async () => {
  const empty = join(folder, "empty");
  await mkdir(empty);
  const request = { out: join(empty, "x.tar"), name: "localhost/x:1", files: [{ path: "/x", from: join(folder, "missing") }] };
  await expect(makeImage(request)).rejects.toThrow("ENOENT");
  await expect(makeImage({ ...request, files: [{ path: "../x", content: "" }] })).rejects.toThrow("a path inside the image");
  expect(await readdir(empty)).toEqual([]);
});

test("a program that links against libraries is packed with them and its loader", async () => {
  const files = await linkedFiles(systemExec, { from: "/bin/ls", path: "/usr/bin/ls" });
  const paths = files.map((file) => file.path);
  expect(paths[0]).toBe("/usr/bin/ls");
  expect(paths.some((path) => path.endsWith("/libc.so.6"))).toBe(true);
  expect(paths.some((path) => /\/ld-linux/.test(path))).toBe(true);
});

test("two that make the same image at once both get it whole", async () => {
  const request = { out: join(folder, "twice.tar"), name: "docker.io/library/twice:1", files: [{ path: "/text", content: "x".repeat(100_000) }] };
  await Promise.all([makeImage(request), makeImage(request)]);
  expect(tarList(request.out)).toContain("manifest.json");
  expect((await readdir(folder)).filter((name) => name.startsWith("twice"))).toEqual(["twice.tar"]);
});
