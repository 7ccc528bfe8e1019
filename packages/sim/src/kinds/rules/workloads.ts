import { deepEqual, type KubeObject } from "@threeport/resource";
import { fixed, immutable } from "./causes.ts";
import { defaults, fields, list, type Fields, type Rules } from "./fields.ts";
import { podCauses, preparePodSpec } from "./pod-spec.ts";

/** Kinds that keep pods running, by `Kind.group`. */
export const workloadRules: Readonly<Record<string, Rules>> = {
  ReplicationController: workload({ replicas: 1 }, { selected: false }),
  "Deployment.apps": workload(
    {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    },
    { selected: true },
  ),
  "ReplicaSet.apps": workload({ replicas: 1 }, { selected: true }),
  "StatefulSet.apps": statefulSet(
    workload(
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: "OrderedReady",
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      },
      { selected: true },
    ),
  ),
  "DaemonSet.apps": daemonSet(
    workload({ revisionHistoryLimit: 10, updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } }, { selected: true }),
  ),
};

/** Kinds that make pods from a template. `selected`: by a selector that must fit the template's labels and never changes. */
function workload(filled: Fields, { selected }: { readonly selected: boolean }): Rules {
  return {
    normalize(object) {
      const spec = fields(object, "spec");
      const given = spec["strategy"] ?? spec["updateStrategy"];
      defaults(spec, structuredClone(filled));
      if (given !== undefined) fillStrategy(spec, filled);
      preparePodSpec(fields(fields(spec, "template"), "spec"));
    },
    validate(object, old) {
      const spec = fields(object, "spec");
      const template = fields(spec, "template");
      // A StatefulSet makes a volume of each of its claims.
      const claimed = list(spec["volumeClaimTemplates"]).map((claim) => fields(claim, "metadata")["name"]);
      const causes = podCauses(fields(template, "spec"), "spec.template.spec", claimed);
      for (const [field, without] of [
        ["strategy", "Recreate"],
        ["updateStrategy", "OnDelete"],
      ] as const) {
        const strategy = fields(spec, field);
        if (strategy["type"] === without && strategy["rollingUpdate"] !== undefined && object.kind !== "DaemonSet")
          causes.push({
            field: `spec.${field}.rollingUpdate`,
            reason: "FieldValueForbidden",
            message: `Forbidden: may not be specified when strategy \`type\` is '${without}'`,
          });
      }
      if (!selected) return causes;
      const wanted = fields(fields(spec, "selector"), "matchLabels");
      const labels = fields(fields(template, "metadata"), "labels");
      if (Object.keys(wanted).length === 0 && list(fields(spec, "selector")["matchExpressions"]).length === 0)
        causes.push({ field: "spec.selector", reason: "FieldValueInvalid", message: "Invalid value: empty selector is invalid" });
      else if (Object.entries(wanted).some(([key, value]) => labels[key] !== value))
        causes.push({
          field: "spec.template.metadata.labels",
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``,
        });
      return old === undefined ? causes : [...causes, ...immutable(object, old, ["spec.selector"])];
    },
  };
}

/** What may change later on; all else would be another set. */
const changingOfSets = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
  "selector",
];

function statefulSet(rules: Rules): Rules {
  return {
    ...rules,
    validate: (object, old) => [
      ...(rules.validate?.(object, old) ?? []),
      ...fixed(object, old, (spec) => changingOfSets.forEach((field) => delete spec[field])),
    ],
  };
}

/** Its annotation counts the templates, as in the days when nothing else did. */
function daemonSet(rules: Rules): Rules {
  const annotation = "deprecated.daemonset.template.generation";
  const countOf = (old: KubeObject | undefined): number => Number(old?.metadata.annotations?.[annotation] ?? 1);
  const set = (object: KubeObject, count: number): void => {
    object.metadata.annotations = { ...object.metadata.annotations, [annotation]: String(count) };
  };
  return {
    ...rules,
    normalize(object, old) {
      rules.normalize?.(object, old);
      // Who replaces the object without it says zero, and manages it from then on.
      set(object, old === undefined ? 1 : Number(object.metadata.annotations?.[annotation] ?? 0));
    },
    // What it becomes, nobody manages.
    prepare(object, old) {
      const changed = old !== undefined && !deepEqual(fields(object, "spec")["template"], fields(old, "spec")["template"]);
      set(object, countOf(old) + (changed ? 1 : 0));
    },
  };
}

/** A strategy that was named in part gets the rest, unless it is of another type. */
function fillStrategy(spec: Fields, filled: Fields): void {
  for (const field of ["strategy", "updateStrategy"]) {
    const [given, usual] = [spec[field] as Fields | undefined, filled[field] as Fields | undefined];
    if (given === undefined || usual === undefined) continue;
    const named = given["type"] !== undefined;
    given["type"] ??= usual["type"];
    // Who names the type of a StatefulSet's strategy gets no partition with it.
    if (named && given["rollingUpdate"] === undefined && Object.hasOwn(usual["rollingUpdate"] as object, "partition")) continue;
    if (given["type"] === "RollingUpdate")
      given["rollingUpdate"] = { ...(usual["rollingUpdate"] as object), ...(given["rollingUpdate"] as object | undefined) };
  }
}
