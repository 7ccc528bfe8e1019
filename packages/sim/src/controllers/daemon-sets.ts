import { controllerKey, type Controller } from "../controller.ts";
import { fieldsOf, isReady, ownedBy, podFrom, podKind, setStatus, templateHash } from "./owned.ts";

const revisionLabel = "controller-revision-hash";

/** One pod, since there is one node. */
export const daemonSetController: Controller = {
  name: "daemon-sets",
  watches: [{ resource: "daemonsets.apps" }, { resource: "pods", keys: controllerKey("DaemonSet") }],
  async reconcile(cluster, { namespace, name }) {
    const set = await cluster.objects.get({ apiVersion: "apps/v1", kind: "DaemonSet", namespace, name });
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
    const revision = templateHash(fieldsOf(set["spec"])["template"]);
    const [pod, ...more] = (await ownedBy(cluster, podKind, set)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const old = [pod, ...more].find((each) => each !== undefined && each.metadata.labels?.[revisionLabel] !== revision);
    const rolls = fieldsOf(fieldsOf(set["spec"])["updateStrategy"])["type"] !== "OnDelete";
    if (pod === undefined) await cluster.objects.create(podFrom(set, `${name}-${cluster.random.suffix(5)}`, { [revisionLabel]: revision }));
    else if (old !== undefined && rolls) await cluster.objects.delete({ ...podKind, namespace, name: old.metadata.name }, { uid: old.metadata.uid });
    const ready = pod !== undefined && isReady(pod) ? 1 : 0;
    await setStatus(cluster, set, {
      observedGeneration: set.metadata.generation ?? 0,
      currentNumberScheduled: pod === undefined ? 0 : 1,
      desiredNumberScheduled: 1,
      numberMisscheduled: 0,
      numberReady: ready,
      ...(ready === 0 ? { numberUnavailable: 1 } : { numberAvailable: 1 }),
      updatedNumberScheduled: pod !== undefined && old === undefined ? 1 : 0,
    });
    return undefined;
  },
};
