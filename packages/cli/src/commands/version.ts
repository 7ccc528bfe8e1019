import { PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { productVersion } from "../version.ts";

/** Longest wait for the control plane; without it the command still answers. */
const askMs = 3_000;

export async function version(this: CliContext): Promise<void> {
  say(this, `tptctl         ${productVersion}`);
  try {
    await using client = await connect(this);
    const { gitVersion = "" } = (await client.request("/version", { timeoutMs: askMs, signal: this.signal })).body as { gitVersion?: string };
    say(this, `control plane  ${gitVersion.split("+threeport-")[1] ?? gitVersion} (Kubernetes API ${gitVersion.split("+")[0] ?? ""})`);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    note(this, `control plane  does not answer: ${error.message}`);
  }
}
