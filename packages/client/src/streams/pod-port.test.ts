import { expect, test } from "vitest";
import { createClient } from "../create-client.ts";
import { scriptedPod } from "../testing/scripted-pod.ts";
import { until } from "../testing/scripted-server.ts";

const port = Buffer.from([0x90, 0x1f]); // 8080, as both channels repeat it first
const target = { namespace: "shop", name: "web-1", port: 8080 };

test("bytes go both ways, without the greeting", async () => {
  await using server = await scriptedPod(async (side) => {
    expect(side.request.url).toBe("/api/v1/namespaces/shop/pods/web-1/portforward?ports=8080");
    side.send(0, port.subarray(0, 1));
    side.send(0, port.subarray(1));
    side.send(1, port);
    await until("the question", () => side.received.length === 1);
    side.send(0, `you said ${side.received[0]?.data.toString()}`);
    side.socket.end(Buffer.from([0x88, 0])); // close
  });
  await using client = createClient({ server: server.url });
  using connection = await client.portForward(target);
  await connection.send(Buffer.from("hello"));
  expect(Buffer.concat(await Array.fromAsync(connection.incoming)).toString()).toBe("you said hello");
  await expect(connection.send(Buffer.from("more"))).rejects.toMatchObject({ code: "TP_RUNTIME_UNREACHABLE" });
});

test("what the node says on the error channel is thrown", async () => {
  await using server = await scriptedPod((side) => {
    side.send(0, port);
    side.send(1, Buffer.concat([port, Buffer.from("dial tcp4 127.0.0.1:8080: connection refused")]));
  });
  await using client = createClient({ server: server.url });
  using connection = await client.portForward(target);
  await expect(Array.fromAsync(connection.incoming)).rejects.toMatchObject({ code: "TP_UNAVAILABLE", message: "dial tcp4 127.0.0.1:8080: connection refused" });
});
