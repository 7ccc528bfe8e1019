import type { ReconcileContext } from "@threeport/engine";
import { isErrorCode, type KubeObject } from "@threeport/resource";
import type { Cluster } from "../connection/cluster.ts";
import type { Planned } from "./plan.ts";

/** Longest wait for new kinds inside one run; then the objects that need them are refused and tried again. */
const establishedMs = 10_000;
const establishedPollMs = 100;

/** C3: nothing of a kind is applied before its definition is Established and discovery shows it. */
export async function definitionsEstablished(cluster: Cluster, group: readonly Planned[], context: ReconcileContext): Promise<void> {
  const definitions = group.filter(({ desired }) => desired.object.kind === "CustomResourceDefinition");
  if (definitions.length === 0) return;
  const until = context.clock.monotonic() + establishedMs;
  for (const { desired } of definitions) {
    while (context.clock.monotonic() < until) {
      const live = await cluster
        .call((client) =>
          client.get<KubeObject>(
            { apiVersion: desired.object.apiVersion, kind: desired.object.kind, name: desired.object.metadata.name },
            { signal: context.signal },
          ),
        )
        .catch((error: unknown) => {
          if (isErrorCode(error, "TP_NOT_FOUND")) return undefined; // its apply was refused: told there
          throw error;
        });
      if (live === undefined || isEstablished(live)) break;
      await context.clock.sleep(establishedPollMs, context.signal);
    }
  }
  const discovery = await cluster.call((client) => client.discover({ signal: context.signal }));
  await discovery.refresh(context.signal);
}

function isEstablished(definition: KubeObject): boolean {
  const conditions = (definition["status"] as { conditions?: { type?: string; status?: string }[] } | undefined)?.conditions ?? [];
  return conditions.some((condition) => condition.type === "Established" && condition.status === "True");
}
