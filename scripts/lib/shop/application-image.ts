import { realpath, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ImageArchive } from "../../../packages/modules/runtime/src/local/index.ts";
import { repository } from "../repository.ts";
import { programImage } from "./base-image.ts";
import { librariesOf } from "./libraries.ts";
import type { PartsRequest } from "./parts-request.ts";

/** As examples/shop/*.yaml name it. */
const name = "localhost/shop:1";

/** The two programs of examples/shop, the Node.js that runs this, and the package that they use. */
export async function applicationImage(out: string, request: PartsRequest): Promise<ImageArchive> {
  const packages = await withDependencies("pg", join(repository, "packages/store/package.json"));
  return programImage(
    out,
    {
      file: "shop.tar",
      name,
      cmd: ["node", "/app/web.mjs"],
      files: [
        { path: "/usr/local/bin/node", from: process.execPath, mode: 0o755 },
        ...(await librariesOf(request, { of: [process.execPath] })),
        { path: "/app", from: join(repository, "examples/shop/app") },
        ...[...packages].map(([each, folder]) => ({ path: `/app/node_modules/${each}`, from: folder })),
      ],
    },
    request,
  );
}

/** Folders of a package and of all that it needs, by name; as installed here, where one version of each is enough. */
async function withDependencies(wanted: string, from: string, found = new Map<string, string>()): Promise<Map<string, string>> {
  const folders = createRequire(from).resolve.paths(wanted) ?? [];
  for (const folder of folders) {
    const manifest = await readFile(join(folder, wanted, "package.json"), "utf8").catch(() => undefined);
    if (manifest === undefined) continue;
    const { dependencies = {} } = JSON.parse(manifest) as { dependencies?: Record<string, string> };
    found.set(wanted, await realpath(join(folder, wanted)));
    for (const each of Object.keys(dependencies))
      if (!found.has(each)) await withDependencies(each, join(dirname(join(folder, wanted, "x")), "package.json"), found);
    return found;
  }
  throw new Error(`the package ${wanted} is not installed: run npm ci`);
}
