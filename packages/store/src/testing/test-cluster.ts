import { createConnection } from "node:net";
import type { ConnectionOptions } from "../embedded/connection-options.ts";

/** Environment variable with the address of the desk (see desk.ts). Worker threads, worker processes and their children all inherit it. */
export const deskVariable = "THREEPORT_TEST_CLUSTER";

/**
 * The PostgreSQL server that all tests of one run share: real, with durability switched off. It starts when the first test asks and ends with the
 * run. The connection is to its maintenance database; take a database of your own with `createTestDatabase`.
 */
export async function testCluster(): Promise<ConnectionOptions> {
  const address = process.env[deskVariable];
  if (address === undefined) {
    throw new Error(
      "No test run provides a database: run the test with vitest from the repository's root (its globalSetup does), or with node --test --test-global-setup=packages/store/src/testing/global-setup.ts",
    );
  }
  const answer = JSON.parse(await readAll(address)) as { connection?: ConnectionOptions; error?: string };
  if (answer.connection === undefined) throw new Error(`The test database could not be started: ${answer.error ?? "no reason given"}`);
  return answer.connection;
}

function readAll(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    createConnection(address)
      .setEncoding("utf8")
      .on("data", (chunk) => (text += chunk))
      .on("end", () => resolve(text))
      .on("error", reject);
  });
}
