import { systemClock, systemExec } from "@threeport/platform";
import { stat } from "node:fs/promises";
import { note, say, type CliContext } from "../context.ts";
import { homePaths } from "../environment.ts";
import { withdrawContext } from "../kubeconfig/user-context.ts";
import { createLiveView, spinnerAt } from "../progress/live-view.ts";
import { runningServer } from "../server/server-record.ts";
import { stopLeftovers, stopServer } from "../server/stop-server.ts";

/** Stops the server, then what outlives it. Safe to repeat, and after a server that was killed. */
export async function down(this: CliContext, flags: { readonly keepRuntimes: boolean }): Promise<void> {
  const home = homePaths(this.environment);
  if ((await stat(home.folder).catch(() => undefined)) === undefined) return say(this, `nothing runs: there is no control plane in ${home.folder}`);
  using view = createLiveView(this, systemClock);
  const running = await runningServer(home);
  if (running !== undefined) {
    view.show((frame) => [`${spinnerAt(frame)} stopping the control plane`]);
    const how = await stopServer(running.pid, { home, clock: systemClock });
    view.keep(how === "stopped" ? "the control plane has stopped" : "the control plane did not stop when asked and was killed; its data is safe");
  } else view.keep(`nothing runs in ${home.folder}`);
  if (!flags.keepRuntimes) {
    view.show((frame) => [`${spinnerAt(frame)} stopping what it started`]);
    for (const line of await stopLeftovers(home, systemExec)) note(this, line);
  }
  view.end();
  if ((await withdrawContext(this, home)) && !home.explicit) say(this, "the kubeconfig context threeport was removed; tptctl up brings it back");
}
