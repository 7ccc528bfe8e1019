import { once } from "node:events";
import { resourcePath } from "@threeport/client";
import { connect } from "../connect.ts";
import { Interrupted, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";
import { instances } from "../tree/fetch-tree.ts";

interface Flags {
  readonly namespace?: string;
  readonly follow: boolean;
  readonly container?: string;
  readonly tail?: number;
  readonly previous: boolean;
}

/** Writes the lines as they come; a slow reader slows the control plane down, and nothing is kept here. */
export async function logs(this: CliContext, flags: Flags, name: string): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  const { metadata } = await findInstance(client, { namespace: flags.namespace ?? defaultProject, name }, signal);
  const path = resourcePath(instances, { namespace: metadata.namespace, name: metadata.name, subresource: "log" });
  const query = { container: flags.container, tail: flags.tail, ...(flags.follow ? { follow: true } : {}), ...(flags.previous ? { previous: true } : {}) };
  try {
    const { body } = await client.raw(path, { headers: { accept: "text/plain, */*" }, query, signal });
    for await (const chunk of body) await write(chunk, signal);
  } catch (error) {
    if (!(signal.reason instanceof Interrupted && flags.follow)) throw error; // Ctrl-C is how following ends
  }
}

/** Bytes go out as they came: a character may begin in one chunk and end in the next. */
async function write(chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  if (process.stdout.write(chunk)) return;
  await once(process.stdout, "drain", { signal });
}
