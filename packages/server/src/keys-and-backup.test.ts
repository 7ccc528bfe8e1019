// S7 and S9 as an operator meets them: commands beside a running server, real processes, under load.
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemExec } from "@threeport/platform";
import { createReflector } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import type { StoredObject } from "@threeport/resource";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";

const main = join(import.meta.dirname, "main.ts");
const secretsPath = "/api/v1/namespaces/default/secrets";
const secretCount = 300;

interface Ran {
  readonly code: number | null;
  readonly text: string;
}

async function command(home: ServerHome, ...words: readonly string[]): Promise<Ran> {
  const { code, stdout, stderr } = await systemExec.run(process.execPath, [main, ...words, "--home", home.folder], { env: { DATABASE_URL: undefined } });
  return { code, text: stdout + stderr };
}

/** Secrets written one after another for as long as it lives; counts the answers that said yes. */
function startLoad(home: ServerHome) {
  let stopping = false;
  const accepted: string[] = [];
  const loop = (async () => {
    for (let index = 0; !stopping; index++) {
      const name = `load-${index}`;
      await until(
        `the write of ${name}`,
        async () => {
          await using client = await home.client();
          const collection = { apiVersion: "v1", kind: "Secret", namespace: "default" };
          await client
            .create(collection, { apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" }, stringData: { value: name } })
            .catch((error: unknown) => {
              if ((error as { code?: string }).code !== "TP_ALREADY_EXISTS") throw error; // the answer before was lost
            });
          return true;
        },
        60_000,
      );
      accepted.push(name);
    }
  })();
  loop.catch(() => {}); // told by stop()
  return {
    accepted,
    async stop() {
      stopping = true;
      await loop;
    },
  };
}

type Secret = StoredObject & { readonly data: Readonly<Record<string, string>> };

async function secretsOf(home: ServerHome): Promise<ReadonlyMap<string, string>> {
  await using client = await home.client();
  const { items } = await client.listPath<Secret>(secretsPath);
  return new Map(items.map((item) => [item.metadata.name, Buffer.from(item.data["value"] ?? "", "base64").toString()]));
}

test(
  "S7, S9: keys rotate under load and through a kill -9; a backup of the running server is restored into a new home, where clients that watched notice; a wrong key changes nothing",
  { timeout: 240_000 },
  async () => {
    await using home = await openServerHome();
    let server = home.start();
    await server.ready;
    {
      await using client = await home.client();
      const write = async (lane: number): Promise<void> => {
        for (let index = lane; index < secretCount; index += 8)
          await client.create(
            { apiVersion: "v1", kind: "Secret", namespace: "default" },
            { apiVersion: "v1", kind: "Secret", metadata: { name: `old-${index}`, namespace: "default" }, stringData: { value: `old-${index}` } },
          );
      };
      await Promise.all(Array.from({ length: 8 }, (_, lane) => write(lane)));
    }
    const load = startLoad(home);

    // The data key, and a kill while old rows are resealed.
    expect(await command(home, "rotate-data-key")).toMatchObject({
      code: 0,
      text: expect.stringContaining("data key 2 seals every write from now on") as string,
    });
    await server.kill();
    expect((await command(home, "key-status")).text, "also while nothing runs").toMatch(/data key 2 \(in use\)/);
    server = home.start();
    await server.ready;
    await until(
      "everything to be sealed under the new key",
      async () => (await command(home, "key-status")).text.includes("nothing is left under older data keys"),
      60_000,
    );

    // A backup of that moment, beside the running server.
    const file = join(home.folder, "backup.gz");
    const before = load.accepted.length;
    const backup = await command(home, "backup", file);
    expect(backup).toMatchObject({ code: 0, text: expect.stringMatching(/\d+ rows written to .*keep the key-encryption key/) as string });
    await until("the load to go on", () => load.accepted.length > before);
    expect(await command(home, "backup", file)).toMatchObject({ code: 5, text: expect.stringContaining("backups are not overwritten") as string });
    expect(await command(home, "restore", file), "a home in use").toMatchObject({ code: 5, text: expect.stringContaining("End it first") as string });

    // The key-encryption key, while the server runs; it starts again with the new one.
    const keyFile = join(home.folder, "keys", "key-encryption-key");
    const oldKey = await readFile(keyFile, "utf8");
    expect(await command(home, "rotate-key-encryption-key")).toMatchObject({
      code: 0,
      text: expect.stringContaining("2 data keys are wrapped by the new key") as string,
    });
    expect(await readFile(keyFile, "utf8")).not.toBe(oldKey);
    await rename(`${keyFile}.previous`, join(home.folder, "old-key")); // the new one does alone
    expect(await command(home, "rotate-data-key"), "the running server takes it up, with the new key-encryption key").toMatchObject({ code: 0 });
    await until("everything to be sealed under the third key", async () => (await command(home, "key-status")).text.includes("nothing is left"), 60_000);
    await server.kill();
    server = home.start();
    await server.ready;
    await load.stop();
    const all = await secretsOf(home);
    for (const name of load.accepted) expect(all.get(name), name).toBe(name);
    for (let index = 0; index < secretCount; index++) expect(all.get(`old-${index}`)).toBe(`old-${index}`);

    // Without its key: told with what to do, and nothing is changed.
    await server.stop();
    const newKey = await readFile(keyFile, "utf8");
    await rm(keyFile);
    expect(await command(home)).toMatchObject({ code: 3, text: expect.stringContaining("(which is missing) holds none") as string });
    await expect(readFile(keyFile), "none is made in its place").rejects.toThrow();
    await writeFile(keyFile, oldKey);
    expect(await command(home), "the key before").toMatchObject({
      code: 3,
      text: expect.stringMatching(/named [0-9a-f]{16}, and .* holds [0-9a-f]{16}\. Put the right/) as string,
    });
    await writeFile(keyFile, newKey, { mode: 0o600 });
    server = home.start();
    await server.ready;

    // A client follows the old control plane; the restored one takes its place.
    await using client = await home.client();
    const known = new Map<string, string>();
    let replaced = 0;
    await using reflector = createReflector<StoredObject>({
      client,
      source: secretsPath,
      handlers: {
        replace(items) {
          replaced++;
          known.clear();
          for (const item of items) known.set(item.metadata.name, item.metadata.resourceVersion);
        },
        upsert: (object) => void known.set(object.metadata.name, object.metadata.resourceVersion),
        remove: (object) => void known.delete(object.metadata.name),
      },
    });
    await reflector.synced;
    await client.delete({ apiVersion: "v1", kind: "Secret", namespace: "default", name: "old-1" });
    await until("the client to see the delete", () => !known.has("old-1"));
    const versionBefore = Math.max(...[...known.values()].map(Number));
    await server.stop();

    await using restored = await openServerHome();
    expect(await command(restored, "restore", file), "without the key of its time").toMatchObject({
      code: 3,
      text: expect.stringContaining("nothing was changed") as string,
    });
    await mkdir(join(restored.folder, "keys"), { recursive: true });
    await copyFile(join(home.folder, "old-key"), join(restored.folder, "keys", "key-encryption-key"));
    expect(await command(restored, "restore", file)).toMatchObject({ code: 0, text: expect.stringMatching(/\d+ rows restored/) as string });
    await copyFile(join(home.folder, "port"), join(restored.folder, "port"));
    await restored.start().ready;
    await until("the client to list again", () => replaced > 1 && known.has("old-1"), 60_000);
    expect(Math.min(...[...known.values()].map(Number)), "objects keep their versions").toBeLessThan(versionBefore);
    expect((await secretsOf(restored)).get("old-1")).toBe("old-1");
    // The same client writes with its old credentials and trust.
    const written = await client.create<StoredObject>(
      { apiVersion: "v1", kind: "Secret", namespace: "default" },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "after", namespace: "default" } },
    );
    expect(Number(written.metadata.resourceVersion)).toBeGreaterThan(2 ** 40);
    await until("the client to see what came after the restore", () => known.has("after"));
  },
);
