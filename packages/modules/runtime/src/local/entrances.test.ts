import { connect, createServer, type AddressInfo } from "node:net";
import { silentLogger } from "@threeport/platform";
import { expect, test } from "vitest";
import { createEntrances } from "./entrances.ts";

function ask(port: number, text = "GET / HTTP/1.1\r\n\r\n"): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (piece) => (answer += String(piece)));
    socket.once("close", () => resolve(answer));
    socket.once("error", reject);
  });
}

test("who comes while there is no gateway is told so, and its ports stay those of the time before", async () => {
  let before;
  {
    await using entrances = createEntrances({ gatewayOf: async () => undefined, log: silentLogger });
    before = await entrances.open("local", undefined);
    expect(await ask(before.http)).toMatch(/^HTTP\/1\.1 503 [\s\S]*runtime local has no gateway yet/);
    expect(await ask(before.https)).toBe("");
    expect(await entrances.open("local", undefined)).toEqual(before);
    const other = await entrances.open("other", undefined);
    expect(new Set([before.http, before.https, other.http, other.https]).size).toBe(4);
  }
  await using again = createEntrances({ gatewayOf: async () => undefined, log: silentLogger });
  expect(await again.open("local", before)).toEqual(before);
});

test("a port that somebody else has is not waited for", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  await using entrances = createEntrances({ gatewayOf: async () => undefined, log: silentLogger });
  const opened = await entrances.open("local", { http: port, https: port });
  expect(opened.http).not.toBe(port);
  expect(opened.https).not.toBe(opened.http);
  taken.close();
});

test("a gateway that does not answer is told as such", async () => {
  await using entrances = createEntrances({ gatewayOf: async () => "127.77.77.77", log: silentLogger });
  const { http } = await entrances.open("local", undefined);
  expect(await ask(http)).toMatch(/503[\s\S]*the gateway of runtime local does not answer: connect ECONNREFUSED/);
});
