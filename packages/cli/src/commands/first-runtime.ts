import { connect } from "../connect.ts";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { say, type CliContext } from "../context.ts";
import { environment, runtimeInstance } from "../kinds.ts";
import { getIfThere } from "../objects/get-if-there.ts";
import { waitForRuntime, localTimeoutMs } from "../progress/wait-for-runtime.ts";

/** Made by `tptctl up --runtime` for a first deployment. */
const environmentName = "dev";

/** A place to deploy to, for `tptctl up --runtime`: `local` is made when it is not there, others must be; and the environment `dev` on it. */
export async function firstRuntime(context: CliContext, name: string): Promise<void> {
  await using client = await connect(context);
  const existing = await getIfThere(client, { ...runtimeInstance, name }, context.signal);
  if (existing === undefined && name !== "local")
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no runtime ${name}`,
      detail: { hint: `add it with tptctl runtime add ${name}, or take --runtime local` },
    });
  if (existing === undefined)
    await client.create(runtimeInstance, { ...runtimeInstance, metadata: { name }, spec: { provider: "local" } }, { signal: context.signal });
  await waitForRuntime(context, client, { name, timeoutMs: localTimeoutMs });
  try {
    await client.create(
      environment,
      { ...environment, metadata: { name: environmentName }, spec: { runtime: name, tier: "development" } },
      { signal: context.signal },
    );
    say(context, `environment ${environmentName} on runtime ${name}`);
  } catch (error) {
    if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
  }
}
