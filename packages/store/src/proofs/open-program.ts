/** Opens the store, as a control plane that starts, and prints a fact that the first one of them stores. */
import { openLabStore } from "./lab.ts";
import { runProgram } from "./spawn.ts";

await runProgram<object>(async ({ connection, print }) => {
  await using store = await openLabStore(connection);
  print(await store.maintenance.fact("first", String(process.pid)));
});
