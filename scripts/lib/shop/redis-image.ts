import { join } from "node:path";
import type { ImageArchive } from "../../../packages/modules/runtime/src/local/index.ts";
import { programImage, serverOf } from "./base-image.ts";
import { libraryFolder, unpackDebian } from "./debian-packages.ts";
import { librariesOf } from "./libraries.ts";
import type { PartsRequest } from "./parts-request.ts";

/** Debian's Redis, which is older than what the profile's image holds; the shop uses nothing that it lacks. */
export async function redisImage(out: string, request: PartsRequest): Promise<ImageArchive> {
  const { image, user } = serverOf("redis-v1");
  const unpacked = await redisPrograms(request);
  // The server is one program with the checker of its files, by another name.
  const server = join(unpacked, "usr/bin/redis-check-rdb");
  const client = join(unpacked, "usr/bin/redis-cli");
  return programImage(
    out,
    {
      file: "redis.tar",
      name: image,
      account: { name: "redis", user, home: "/data" },
      cmd: ["redis-server"],
      files: [
        { path: "/usr/local/bin/redis-server", from: server, mode: 0o755 },
        { path: "/usr/local/bin/redis-cli", from: client, mode: 0o755 },
        ...(await librariesOf(request, { of: [server, client], from: [join(unpacked, "usr/lib", libraryFolder)] })),
      ],
    },
    request,
  );
}

/** Server and client stand in one package. */
export function redisPrograms(request: PartsRequest): Promise<string> {
  return unpackDebian(request, { name: "redis", packages: ["redis-tools", "libjemalloc2", "liblzf1", "libatomic1"] });
}
