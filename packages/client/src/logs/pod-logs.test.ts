import { expect, test } from "vitest";
import { createClient } from "../create-client.ts";
import { failure, json, scriptedServer } from "../testing/scripted-server.ts";

test("a log arrives as it is written, with characters whole and line ends kept", async () => {
  const bytes = Buffer.from("eins\nzwölf €\nkein Ende");
  await using server = await scriptedServer(async (_, answer) => {
    answer.writeHead(200, { "content-type": "text/plain" });
    for (const byte of bytes) {
      answer.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    answer.end();
  });
  await using client = createClient({ server: server.url });
  let text = "";
  for await (const piece of client.logs({ namespace: "a", name: "p" }, { container: "web", follow: true, tailLines: 5 })) text += piece;
  expect(text).toBe(bytes.toString());
  expect(`${server.seen[0]?.path}?${server.seen[0]?.query}`).toBe("/api/v1/namespaces/a/pods/p/log?container=web&follow=true&tailLines=5");
});

test("a refusal is the server's own sentence", async () => {
  await using server = await scriptedServer((_, answer) =>
    json(answer, 400, failure(400, "BadRequest", 'container "web" in pod "p" is waiting to start: ContainerCreating')),
  );
  await using client = createClient({ server: server.url });
  await expect(Array.fromAsync(client.logs({ namespace: "a", name: "p" }))).rejects.toThrow("is waiting to start");
});
