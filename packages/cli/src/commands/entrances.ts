import type { KubeClient } from "@threeport/client";
import { say, type CliContext } from "../context.ts";
import { runtimeInstance, type Observed } from "../kinds.ts";

type Entrance = Observed & { readonly status?: { readonly outputs?: { readonly entrance?: { readonly http: number; readonly https: number } } } };

/** Where the routes of local runtimes are reached from this machine; nothing for clusters that are somewhere else. */
export async function sayEntrances(context: CliContext, client: KubeClient): Promise<void> {
  const { items } = await client.list<Entrance>(runtimeInstance, { signal: context.signal });
  for (const { metadata, status } of items) {
    const entrance = status?.outputs?.entrance;
    if (entrance !== undefined)
      say(
        context,
        `routes on runtime ${metadata.name} answer at http://<host>:${entrance.http} and https://<host>:${entrance.https}, with hosts below localhost`,
      );
  }
}
