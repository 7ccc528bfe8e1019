import { glob, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ImageArchive } from "../../../packages/modules/runtime/src/local/index.ts";
import { programImage, serverOf } from "./base-image.ts";
import { libraryFolder, unpackDebian } from "./debian-packages.ts";
import { librariesOf } from "./libraries.ts";
import type { PartsRequest } from "./parts-request.ts";

/** Libraries of Erlang that RabbitMQ's Debian package asks for, and what these ask for. */
const erlang = [
  ...["asn1", "base", "crypto", "eldap", "ftp", "inets", "mnesia", "os-mon", "parsetools", "public-key", "runtime-tools", "snmp", "ssl", "syntax-tools"],
  ...["tftp", "tools", "xmerl"],
].map((name) => `erlang-${name}`);

/** Debian's RabbitMQ, which is older than what the profile's image holds; AMQP 0-9-1 is the same. */
export async function rabbitmqImage(out: string, request: PartsRequest): Promise<ImageArchive> {
  const { image, user } = serverOf("amqp-v1");
  const unpacked = await rabbitmqPrograms(request);
  const lib = join(unpacked, "usr/lib");
  const [version = ""] = (await readdir(join(lib, "erlang"))).filter((name) => name.startsWith("erts-"));
  const programs = ["beam.smp", "epmd", "erlexec", "erl_child_setup", "inet_gethost"].map((name) => join(lib, "erlang", version, "bin", name));
  for await (const path of glob("erlang/lib/*/priv/**/*.so", { cwd: lib })) programs.push(join(lib, path));
  return programImage(
    out,
    {
      file: "rabbitmq.tar",
      name: image,
      account: { name: "rabbitmq", user, home: "/var/lib/rabbitmq" },
      entrypoint: ["/usr/local/bin/entrypoint"],
      cmd: ["rabbitmq-server"],
      files: [
        ...["erlang", "rabbitmq"].map((name) => ({ path: `/usr/lib/${name}`, from: join(lib, name) })),
        ...["erl", "epmd", "escript"].map((name) => ({ path: `/usr/bin/${name}`, link: `/usr/lib/erlang/bin/${name}` })),
        { path: "/var/log/rabbitmq", folderMode: 0o1777 },
        ...(await librariesOf(request, { of: programs, from: ["usr/lib", "lib"].map((each) => join(unpacked, each, libraryFolder)) })),
        { path: "/usr/local/bin/entrypoint", from: join(import.meta.dirname, "rabbitmq-entrypoint.sh"), mode: 0o755 },
      ],
    },
    request,
  );
}

/** With the Erlang that it runs on. */
export function rabbitmqPrograms(request: PartsRequest): Promise<string> {
  return unpackDebian(request, { name: "rabbitmq", packages: ["rabbitmq-server", "libtinfo6", ...erlang] });
}
