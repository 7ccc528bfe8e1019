import { connect } from "node:tls";
import { once } from "node:events";
import { expect, test } from "vitest";
import { configMap, configMaps } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

test("lists of many megabytes arrive whole, several at once, also while others leave in the middle of theirs", async () => {
  await using api = await openTestApi();
  const names = Array.from({ length: 30 }, (_, index) => `large-${String(index).padStart(2, "0")}`);
  // Lengths that fall on no boundary of anything, and text that is longer in bytes than in characters.
  for (const [index, name] of names.entries()) await api.call("POST", configMaps, { body: configMap(name, { k: `${name}é`.repeat(9_000 + 37 * index) }) });
  const expected = (await Promise.all(names.map((name) => api.call("GET", `${configMaps}/${name}`)))).map((answer) => answer.body);
  const leaving = Array.from({ length: 5 }, async (_, index) => {
    const socket = connect({ host: "127.0.0.1", port: api.port, ca: api.caPem });
    socket.on("error", () => {}); // leaving is what it is about
    await once(socket, "secureConnect");
    socket.write(`GET ${configMaps} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${api.token}\r\n\r\n`);
    let bytes = 0;
    for await (const chunk of socket) if ((bytes += (chunk as Buffer).length) > index * 100_000) break;
    socket.destroy();
  });
  const lists = await Promise.all(Array.from({ length: 6 }, () => api.call("GET", configMaps)));
  await Promise.all(leaving);
  for (const { body, headers, text } of [...lists, await api.call("GET", configMaps)]) {
    expect(Buffer.byteLength(text)).toBe(Number(headers["content-length"]));
    expect(body.items).toEqual(expected);
  }
});
