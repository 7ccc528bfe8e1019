import { expect, test } from "vitest";
import type { Environment } from "./environment-kind.ts";
import { lifetimeOf, ttlMs } from "./ttl.ts";

const hourMs = 3_600_000;

test.each([
  ["4h", 4 * hourMs],
  ["90m", 90 * 60_000],
  ["7d", 7 * 24 * hourMs],
  ["1d2h3m4s", 26 * hourMs + 184_000],
  ["60s", 60_000],
  ["3650d", 3_650 * 24 * hourMs],
])("%s is a time to live", (text, ms) => {
  expect(ttlMs(text)).toBe(ms);
});

test.each(["", "4", "h", "59s", "0m", "3651d", "4 h", "-4h", "4h30", "30m4h", "1.5h", "9".repeat(400) + "d"])("%j is none", (text) => {
  expect(ttlMs(text)).toBeUndefined();
});

const made = Date.parse("2026-01-01T00:00:00Z");
const environment = (spec: object, generation: number, status?: object): Environment =>
  ({
    metadata: { name: "dev", generation, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec,
    ...(status === undefined ? {} : { status }),
  }) as unknown as Environment;
const lifetime = { ttl: "4h", since: "2026-01-01T00:00:00Z" };

test.each([
  ["a new one counts from when it was made, however late it is looked at", environment({ ttl: "4h" }, 1), made + 4 * hourMs],
  ["one that counts goes on counting", environment({ ttl: "4h" }, 7, { lifetime }), made + 4 * hourMs],
  ["a ttl that comes later counts from then: it never ends what is old at once", environment({ ttl: "1h" }, 2), made + 101 * hourMs],
  ["another ttl counts from when it was set", environment({ ttl: "8h" }, 3, { lifetime }), made + 108 * hourMs],
  ["the same ttl counts anew when somebody extends it", environment({ ttl: "4h", extendedAt: "x" }, 3, { lifetime }), made + 104 * hourMs],
])("%s", (_, object, endsMs) => {
  expect(lifetimeOf(object, made + 100 * hourMs)?.endsMs).toBe(endsMs);
});

test("without a ttl nothing ends", () => {
  expect(lifetimeOf(environment({}, 3, { lifetime }), made)).toBeUndefined();
});
