import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openServerLog, readTail, rotateServerLog } from "./server-log.ts";
import { temporaryFolder } from "./testing/folders.ts";

test("A log that grew too large is moved aside while the server goes on writing", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "postgres.log");
  await using server = await openServerLog(path);
  await server.write("first\n");
  await rotateServerLog(path, 10);
  expect(await readFile(path, "utf8"), "below the limit nothing happens").toBe("first\n");
  await server.write("second\n");
  await rotateServerLog(path, 10);
  await server.write("third\n");
  expect(await readFile(`${path}.1`, "utf8")).toBe("first\nsecond\n");
  expect(await readFile(path, "utf8")).toBe("third\n");
  expect(await readTail(path, 0)).toBe("third");
});
