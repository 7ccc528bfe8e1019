import { describe, expect, test } from "vitest";
import { systemClock, type Clock } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { createClient } from "../create-client.ts";
import { failure, json, scriptedServer, until } from "../testing/scripted-server.ts";

async function errorOf(promise: Promise<unknown>): Promise<PlatformError> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof PlatformError)) throw new Error(`not a PlatformError: ${String(thrown)}`);
  return thrown;
}

/** Waits are over at once, and are written down. */
function impatientClock(): { clock: Clock; slept: number[] } {
  const slept: number[] = [];
  return { slept, clock: { ...systemClock, sleep: async (ms) => void slept.push(ms) } };
}

describe("a request", () => {
  test("carries method, query, token and JSON body, and gives back the parsed answer", async () => {
    await using server = await scriptedServer((_, answer) => json(answer, 201, { made: true }, { "x-seen": "yes" }));
    await using client = createClient({ server: `${server.url}/k8s/clusters/c1/`, token: "t0ken" }, { userAgent: "test/1" });
    const answer = await client.request("/api/v1/things", { method: "POST", query: { a: "x y", b: undefined, c: ["1", "2"] }, body: { n: "ü" } });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ made: true });
    expect(answer.headers["x-seen"]).toBe("yes");
    const seen = server.seen[0];
    expect(seen?.path).toBe("/k8s/clusters/c1/api/v1/things");
    expect([...(seen?.query ?? [])]).toEqual([
      ["a", "x y"],
      ["c", "1"],
      ["c", "2"],
    ]);
    expect(seen?.headers).toMatchObject({
      authorization: "Bearer t0ken",
      "user-agent": "test/1",
      "content-type": "application/json",
      accept: "application/json",
    });
    expect(JSON.parse(seen?.body ?? "")).toEqual({ n: "ü" });
  });

  test("joins an answer of many chunks, also where a character is cut in the middle", async () => {
    const text = JSON.stringify({ text: "ü".repeat(100_000) });
    await using server = await scriptedServer((_, answer) => {
      answer.writeHead(200, { "content-type": "application/json" });
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += 4097) answer.write(bytes.subarray(at, at + 4097));
      answer.end();
    });
    await using client = createClient({ server: server.url });
    expect(JSON.stringify((await client.request("/x")).body)).toBe(text);
  });

  test("uses its connections again: calls one after another need no more than two", async () => {
    await using server = await scriptedServer((_, answer) => json(answer, 200, {}));
    await using client = createClient({ server: server.url });
    for (let n = 0; n < 20; n++) await client.request("/x");
    expect(new Set(server.seen.map((seen) => seen.connection)).size).toBeLessThanOrEqual(2);
  });

  test("never opens more connections than it may, whatever number of calls wait", async () => {
    let open = 0;
    let most = 0;
    await using server = await scriptedServer((_, answer) => {
      most = Math.max(most, ++open);
      const think = () => {
        open--;
        json(answer, 200, {});
      };
      setTimeout(think, 20);
    });
    await using client = createClient({ server: server.url }, { connectionsMax: 3 });
    await Promise.all(Array.from({ length: 12 }, () => client.request("/x")));
    expect(most).toBe(3);
  });

  test("becomes the error that the server's Status says, with causes and Retry-After", async () => {
    await using server = await scriptedServer((_, answer) =>
      json(
        answer,
        422,
        failure(422, "Invalid", "ConfigMap is invalid", {
          name: "x",
          kind: "ConfigMap",
          causes: [{ field: "data[a]", reason: "FieldValueInvalid", message: "too long" }],
        }),
        { "retry-after": "7" },
      ),
    );
    await using client = createClient({ server: server.url });
    const error = await errorOf(client.request("/x"));
    expect(error.code).toBe("TP_INVALID");
    expect(error.message).toBe("ConfigMap is invalid");
    expect(error.causes).toEqual([{ field: "data[a]", reason: "FieldValueInvalid", message: "too long" }]);
    expect(error.retryAfterSeconds).toBe(7);
  });

  test("says host, status and a line of the page when an answer is no Status", async () => {
    await using server = await scriptedServer(
      (_, answer) => void answer.writeHead(502, { "content-type": "text/html" }).end("<html><h1>Bad Gateway</h1>\n<p>nginx</p></html>"),
    );
    await using client = createClient({ server: server.url });
    const error = await errorOf(client.request("/api/v1/x?token=secret"));
    expect(error.entry.retry).toBe("backoff");
    expect(error.message).toBe(`127.0.0.1:${server.port} answered 502 to GET /api/v1/x: Bad Gateway nginx`);
  });

  test("never shows the token, even where the server sends it back", async () => {
    await using server = await scriptedServer(({ headers, path }, answer) =>
      path === "/status"
        ? json(answer, 403, failure(403, "Forbidden", `bad header ${headers.authorization}`))
        : void answer.writeHead(400, { "content-type": "text/plain" }).end(`you sent ${headers.authorization}`),
    );
    await using client = createClient({ server: server.url, token: "very-secret" });
    for (const error of [await errorOf(client.request("/status")), await errorOf(client.request("/page")), await errorOf(client.raw("/page"))]) {
      expect(error.message).toContain("Bearer …");
      expect(JSON.stringify({ ...error, message: error.message })).not.toContain("very-secret");
    }
  });

  test("is not led astray by a redirect, and says where it would have gone", async () => {
    await using server = await scriptedServer((_, answer) => void answer.writeHead(302, { location: "http://169.254.169.254/latest?key=secret" }).end());
    await using client = createClient({ server: server.url, token: "t" });
    const error = await errorOf(client.request("/x"));
    expect(error.code).toBe("TP_RUNTIME_ANSWER_INVALID");
    expect(error.message).toContain("a redirect to http://169.254.169.254;");
    expect(error.message).not.toContain("secret");
    expect(server.seen).toHaveLength(1);
  });

  test("refuses an answer that calls itself JSON and is none", async () => {
    await using server = await scriptedServer((_, answer) => void answer.writeHead(200, { "content-type": "application/json" }).end('{"half":'));
    await using client = createClient({ server: server.url });
    expect((await errorOf(client.request("/x"))).code).toBe("TP_RUNTIME_ANSWER_INVALID");
  });

  test("ends with the signal's reason when it is aborted while the server thinks", async () => {
    await using server = await scriptedServer(() => {});
    await using client = createClient({ server: server.url });
    const controller = new AbortController();
    const call = client.request("/x", { signal: controller.signal });
    await until("the request arrives", () => server.seen.length === 1);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await expect(client.request("/x", { signal: controller.signal })).rejects.toBe(reason);
  });
});

describe("a server that asks for patience", () => {
  test("is asked again after Retry-After, also for a write, because a 429 says that nothing was done", async () => {
    await using server = await scriptedServer((_, answer) =>
      server.seen.length < 3 ? json(answer, 429, failure(429, "TooManyRequests", "slow down"), { "retry-after": "2" }) : json(answer, 201, { done: true }),
    );
    const { clock, slept } = impatientClock();
    await using client = createClient({ server: server.url }, { clock });
    expect((await client.request("/x", { method: "POST", body: {} })).body).toEqual({ done: true });
    expect(slept).toHaveLength(2);
    for (const ms of slept) expect(ms >= 2_000 && ms <= 2_500).toBe(true);
  });

  test.each([
    { name: "a 429 without Retry-After is given to the caller", status: 429, headers: {}, method: "GET", requests: 1 },
    { name: "a 503 with Retry-After is repeated for a read", status: 503, headers: { "retry-after": "1" }, method: "GET", requests: 5 },
    {
      name: "a 503 with Retry-After is not repeated for a write, which may have been done",
      status: 503,
      headers: { "retry-after": "1" },
      method: "POST",
      requests: 1,
    },
    { name: "a wait of an hour is given to the caller", status: 429, headers: { "retry-after": "3600" }, method: "GET", requests: 1 },
  ] as const)("$name", async ({ status, headers, method, requests }) => {
    await using server = await scriptedServer((_, answer) =>
      json(answer, status, failure(status, status === 429 ? "TooManyRequests" : "ServiceUnavailable", "later"), headers),
    );
    await using client = createClient({ server: server.url }, { clock: impatientClock().clock });
    const error = await errorOf(client.request("/x", { method }));
    expect(error.entry.http).toBe(status);
    expect(server.seen).toHaveLength(requests);
  });
});

describe("a server that cannot be reached", () => {
  test("is named with what failed, never with credentials", async () => {
    const server = await scriptedServer(() => {});
    await server.stop();
    await using client = createClient({ server: server.url, token: "very-secret" });
    const error = await errorOf(client.request("/x"));
    expect(error.code).toBe("TP_RUNTIME_UNREACHABLE");
    expect(error.message).toBe(`127.0.0.1:${server.port} cannot be reached: connection refused; nothing listens there, or a firewall answers`);
    expect(JSON.stringify({ ...error, cause: String(error.cause) })).not.toContain("very-secret");
  });

  test("and a name that does not resolve says so", async () => {
    await using client = createClient({ server: "https://nowhere.invalid:6443" });
    expect((await errorOf(client.request("/x"))).message).toMatch(
      /^nowhere\.invalid:6443 cannot be reached: (the host name does not resolve|DNS does not answer)/,
    );
  });

  test("a deadline ends a call that hangs, in the answer's middle too", async () => {
    await using server = await scriptedServer((seen, answer) => {
      if (seen.path === "/half") answer.writeHead(200, { "content-type": "application/json" }).write('{"a":');
    });
    await using client = createClient({ server: server.url }, { requestTimeoutMs: 100 });
    for (const path of ["/silent", "/half"]) {
      const error = await errorOf(client.request(path));
      expect(error.code).toBe("TP_RUNTIME_UNREACHABLE");
      expect(error.message).toContain("did not answer within 0.1 s");
    }
  });

  test("a call that waits for a connection keeps its deadline", async () => {
    await using server = await scriptedServer(() => {});
    await using client = createClient({ server: server.url }, { connectionsMax: 1, requestTimeoutMs: 150 });
    const errors = await Promise.all([errorOf(client.request("/a")), errorOf(client.request("/b"))]);
    for (const error of errors) expect(error.message).toContain("did not answer within 0.15 s");
  });

  test("a read is sent once more when the kept-alive connection turns out to be closed; a write is not", async () => {
    await using server = await scriptedServer((seen, answer) => {
      if (seen.path === "/break" && server.seen.filter(({ path, method }) => path === "/break" && method === seen.method).length === 1)
        answer.socket?.destroy();
      else json(answer, 200, { ok: true });
    });
    await using client = createClient({ server: server.url });
    expect((await client.request("/break")).body).toEqual({ ok: true });
    const error = await errorOf(client.request("/break", { method: "POST", body: {} }));
    expect(error.code).toBe("TP_RUNTIME_UNREACHABLE");
    expect(server.seen.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  test("a server that comes back is used again by the same client", async () => {
    await using server = await scriptedServer((_, answer) => json(answer, 200, {}));
    await using client = createClient({ server: server.url });
    await client.request("/x");
    await server.stop();
    expect((await errorOf(client.request("/x"))).code).toBe("TP_RUNTIME_UNREACHABLE");
    await server.restart();
    expect((await client.request("/x")).status).toBe(200);
  });

  test("a disposed client says that it was closed", async () => {
    await using server = await scriptedServer(() => {});
    const client = createClient({ server: server.url });
    const call = errorOf(client.request("/x"));
    await until("the request arrives", () => server.seen.length === 1);
    await client[Symbol.asyncDispose]();
    expect((await call).code).toBe("TP_RUNTIME_UNREACHABLE");
    expect((await errorOf(client.request("/y"))).message).toContain("this client was closed");
  });
});

describe("streams", () => {
  test("take no connection from short requests", async () => {
    await using server = await scriptedServer((seen, answer) => {
      if (seen.path === "/stream") answer.writeHead(200).write("x");
      else json(answer, 200, {});
    });
    await using client = createClient({ server: server.url }, { connectionsMax: 1 });
    const streams = await Promise.all(Array.from({ length: 10 }, () => client.raw("/stream")));
    expect((await client.request("/x")).status).toBe(200);
    expect(streams).toHaveLength(10);
  });

  test("that the server refuses are the error of its Status", async () => {
    await using server = await scriptedServer((_, answer) => json(answer, 403, failure(403, "Forbidden", "you may not watch")));
    await using client = createClient({ server: server.url });
    const error = await errorOf(client.raw("/x"));
    expect([error.code, error.message]).toEqual(["TP_FORBIDDEN", "you may not watch"]);
  });

  test("that are left early close their connection", async () => {
    let closed = false;
    await using server = await scriptedServer((_, answer) => {
      answer.once("close", () => (closed = true));
      answer.writeHead(200).write("x");
    });
    await using client = createClient({ server: server.url });
    for await (const _ of (await client.raw("/x")).body) break;
    await until("the server sees the end", () => closed);
  });

  test("that break are said to be unreachable, and an abort is its own reason", async () => {
    await using server = await scriptedServer((seen, answer) => {
      answer.writeHead(200).write("x");
      if (seen.path === "/break") setImmediate(() => answer.socket?.destroy());
    });
    await using client = createClient({ server: server.url });
    const drain = async (path: string, signal?: AbortSignal) => {
      for await (const _ of (await client.raw(path, signal === undefined ? {} : { signal })).body);
    };
    expect((await errorOf(drain("/break"))).code).toBe("TP_RUNTIME_UNREACHABLE");
    const controller = new AbortController();
    const call = drain("/hang", controller.signal);
    await until("both streams are open", () => server.seen.length === 2);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });
});
