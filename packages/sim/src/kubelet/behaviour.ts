import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { fieldsOf, numberOf, type Fields } from "../controllers/owned.ts";

/** What a container does once it was started. */
export type Behaviour =
  | { readonly does: "run" }
  /** `refused`: its registry wants credentials. */
  | { readonly does: "pull-error"; readonly why: "not-there" | "refused" }
  | { readonly does: "unready" }
  | {
      readonly does: "end";
      readonly exitCode: number;
      readonly reason: "Error" | "OOMKilled";
      /** From its start to its end. */
      readonly runMs: number;
      readonly log: readonly string[];
      /** Set where its end is not its own doing. */
      readonly killedBy?: "liveness";
    };

const crash = { does: "end", exitCode: 1, reason: "Error", runMs: 1_000, log: ["fatal: this program ends with an error"] } as const;
const oom = { does: "end", exitCode: 137, reason: "OOMKilled", runMs: 1_000, log: [] } as const;

/** Its registry gives it to those who have a pull secret, whatever is in that. */
const privateImage = /(?:^|[/:.-])private(?:$|[/:.-])/;

/** By a word in the image's name: so that a workload can be made to fail in a simulated cluster. Everything else runs and is ready. */
const words: readonly { readonly word: RegExp; readonly behaviour: Behaviour }[] = [
  { word: /(?:^|[/:.-])(?:not-there|missing|broken)(?:$|[/:.-])/, behaviour: { does: "pull-error", why: "not-there" } },
  { word: privateImage, behaviour: { does: "pull-error", why: "refused" } },
  { word: /(?:^|[/:.-])crash(?:$|[/:.-])/, behaviour: crash },
  { word: /(?:^|[/:.-])oom(?:$|[/:.-])/, behaviour: oom },
  { word: /(?:^|[/:.-])unready(?:$|[/:.-])/, behaviour: { does: "unready" } },
];

/** By a fault that was asked for, else by its image. */
export function behaviourOf(cluster: SimCluster, pod: StoredObject, container: Fields): Behaviour {
  const image = String(container["image"] ?? "");
  const open = privateImage.test(image) && hasPullSecret(pod);
  const usual = words.find(({ word }) => word.test(image) && !(open && word === privateImage))?.behaviour ?? { does: "run" };
  const fault = cluster.faults.container(pod, String(container["name"] ?? ""));
  switch (fault?.kind) {
    case undefined:
      return usual;
    case "crash":
      return { ...crash, exitCode: fault.exitCode ?? crash.exitCode, log: fault.log ?? crash.log, runMs: fault.afterMs ?? crash.runMs };
    case "oom":
      return { ...oom, log: fault.log ?? oom.log, runMs: fault.afterMs ?? oom.runMs };
    case "unready":
      return { does: "unready" };
    case "unlive":
      return container["livenessProbe"] === undefined
        ? usual
        : { does: "end", exitCode: 137, reason: "Error", runMs: patienceMs(container), log: [], killedBy: "liveness" };
  }
}

function hasPullSecret(pod: StoredObject): boolean {
  const secrets = fieldsOf(pod["spec"])["imagePullSecrets"];
  return Array.isArray(secrets) && secrets.length > 0;
}

/** How long a liveness probe fails before somebody acts on it. */
function patienceMs(container: Fields): number {
  const probe = fieldsOf(container["livenessProbe"]);
  return (numberOf(probe["initialDelaySeconds"], 0) + numberOf(probe["failureThreshold"], 3) * numberOf(probe["periodSeconds"], 10)) * 1_000;
}
