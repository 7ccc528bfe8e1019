import { describe, expect, test } from "vitest";
import { createClient } from "../create-client.ts";
import { scriptedPod, type PodSide } from "../testing/scripted-pod.ts";
import { until } from "../testing/scripted-server.ts";
import type { ExecOptions } from "./pod-exec.ts";
import { Opcode } from "./websocket-frames.ts";

const pod = { namespace: "shop", name: "web-1" };
const success = JSON.stringify({ metadata: {}, status: "Success" });

async function run(
  script: (side: PodSide) => void | Promise<void>,
  options: Partial<ExecOptions> = {},
  server: Parameters<typeof scriptedPod>[1] = {},
): Promise<{ code: number; out: string; err: string }> {
  await using scripted = await scriptedPod(script, server);
  await using client = createClient({ server: scripted.url, token: "t" });
  let out = "";
  let err = "";
  const code = await client.exec(pod, {
    command: ["cat"],
    onStdout: (bytes) => void (out += Buffer.from(bytes).toString()),
    onStderr: (bytes) => void (err += Buffer.from(bytes).toString()),
    ...options,
  });
  return { code, out, err };
}

async function* bytes(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe("a program in a container", () => {
  test("is asked for with its arguments, and its two outputs are kept apart", async () => {
    let asked = "";
    const result = await run(
      (side) => {
        asked = `${side.request.url} ${side.request.headers.authorization} ${side.request.headers["sec-websocket-protocol"]}`;
        side.send(1, "");
        side.send(1, "out");
        side.send(2, "err");
        side.send(3, success);
      },
      { command: ["sh", "-c", "a b"], container: "web" },
    );
    expect(result).toEqual({ code: 0, out: "out", err: "err" });
    expect(asked).toBe(
      "/api/v1/namespaces/shop/pods/web-1/exec?command=sh&command=-c&command=a%20b&container=web&stdin=false&stdout=true&stderr=true&tty=false Bearer t v5.channel.k8s.io, v4.channel.k8s.io",
    );
  });

  test("ends with its exit code", async () => {
    const status = { status: "Failure", reason: "NonZeroExitCode", details: { causes: [{ reason: "ExitCode", message: "42" }] } };
    expect((await run((side) => side.send(3, JSON.stringify(status)))).code).toBe(42);
  });

  test("that cannot be started is an error with the server's sentence, once, and what to do", async () => {
    const status = {
      status: "Failure",
      reason: "InternalError",
      message: 'Internal error occurred: Internal error occurred: exec: "x": no such file',
      code: 500,
    };
    await expect(run((side) => side.send(3, JSON.stringify(status)))).rejects.toMatchObject({
      code: "TP_INTERNAL",
      message: 'the program could not be started: exec: "x": no such file',
      detail: { hint: expect.stringContaining("the container's image") as string },
    });
  });

  test("gets its input in pieces, then the end of it, and the terminal's size", async () => {
    const long = "x".repeat(100_000);
    let received: PodSide["received"] = [];
    await run(
      async (side) => {
        received = side.received;
        await until("the end of the input", () => side.received.some(({ channel }) => channel === 255));
        side.send(3, success);
      },
      {
        tty: true,
        stdin: bytes("hello ", long),
        sizes: (async function* () {
          yield { columns: 100, rows: 30 };
        })(),
      },
    );
    const input = received.filter(({ channel }) => channel === 0);
    expect(Buffer.concat(input.map(({ data }) => data)).toString()).toBe(`hello ${long}`);
    expect(Math.max(...input.map(({ data }) => data.length))).toBeLessThanOrEqual(32 * 1024);
    expect(received.find(({ channel }) => channel === 255)?.data).toEqual(Buffer.from([0]));
    expect(received.find(({ channel }) => channel === 4)?.data.toString()).toBe('{"Width":100,"Height":30}');
  });

  test("on a server that cannot end the input is not told of the end in a way it would misread", async () => {
    let received: PodSide["received"] = [];
    await run(
      async (side) => {
        received = side.received;
        await until("the input", () => side.received.length > 0);
        side.send(3, success);
      },
      { stdin: bytes("x") },
      { protocol: "v4.channel.k8s.io" },
    );
    expect(received.map(({ channel }) => channel)).toEqual([0]);
  });

  test("that ends while its input is open does not wait for more input", async () => {
    const stdin = (async function* () {
      yield Buffer.from("x");
      await new Promise(() => {});
    })();
    expect((await run((side) => side.send(3, success), { stdin })).code).toBe(0);
  });

  test("may be cut into frames in any way, with pings in between", async () => {
    let received: PodSide["received"] = [];
    const result = await run(async (side) => {
      received = side.received;
      const message = Buffer.concat([Buffer.from([1]), Buffer.from("one two")]);
      const frames = Buffer.concat([
        Buffer.from([0x02, 4]),
        message.subarray(0, 4), // first fragment, not final
        Buffer.from([0x89, 2]),
        Buffer.from("hi"), // ping
        Buffer.from([0x80, 4]),
        message.subarray(4), // last fragment
      ]);
      for (const byte of frames) {
        side.socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until("the pong", () => side.received.length === 1);
      side.send(3, success);
    });
    expect(result.out).toBe("one two");
    expect(received).toEqual([{ channel: -1, data: Buffer.from("hi") }]);
  });

  test("whose connection breaks leaves its fate open, and that is said", async () => {
    await expect(run((side) => void side.socket.destroy())).rejects.toMatchObject({ code: "TP_RUNTIME_UNREACHABLE" });
    await expect(run((side) => side.frame(Opcode.Close, Buffer.from([3, 232])))).rejects.toThrow("before it said how the program ended");
  });

  test("ends with the signal's reason when it is aborted", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    await expect(run(() => controller.abort(reason), { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe("a server that does not upgrade", () => {
  const status = JSON.stringify({ kind: "Status", status: "Failure", reason: "Forbidden", message: "no exec for you", code: 403 });
  test.each([
    {
      name: "says why in a Status",
      refuse: `HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\ncontent-length: ${status.length}\r\n\r\n${status}`,
      code: "TP_FORBIDDEN",
    },
    { name: "answers as if nothing was asked", refuse: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", code: "TP_RUNTIME_ANSWER_INVALID" },
    {
      name: "does not prove that it speaks WebSocket",
      refuse: "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n",
      code: "TP_RUNTIME_ANSWER_INVALID",
    },
    { name: "closes", refuse: "", code: "TP_RUNTIME_UNREACHABLE" },
  ])("$name", async ({ refuse, code }) => {
    await expect(run(() => {}, {}, { refuse })).rejects.toMatchObject({ code });
  });

  test("or chooses a protocol that was not offered is not trusted", async () => {
    await expect(run(() => {}, {}, { protocol: "v9.channel.k8s.io" })).rejects.toThrow("does not speak any of v5.channel.k8s.io, v4.channel.k8s.io");
  });
});

test("a consumer that is slow stops the server", async () => {
  let written = 0;
  const gate = Promise.withResolvers<void>();
  const piece = Buffer.alloc(32 * 1024);
  const running = run(
    async (side) => {
      while (written < 100e6) {
        side.send(1, piece);
        written += piece.length;
        if (side.socket.writableNeedDrain) await new Promise((resolve) => side.socket.once("drain", resolve));
      }
      side.send(3, success);
    },
    { onStdout: () => gate.promise },
  );
  let before = -1;
  let stillFor = 0;
  await until("the server cannot write any more", () => {
    stillFor = written > 0 && written === before ? stillFor + 1 : 0;
    before = written;
    return stillFor > 40;
  });
  expect(written).toBeLessThan(50e6);
  gate.resolve();
  expect((await running).code).toBe(0);
});
