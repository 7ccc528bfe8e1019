import { deepEqual, type ErrorCause } from "@threeport/resource";
import { isTimeZone, parseSchedule } from "../../schedule.ts";
import { immutable } from "./causes.ts";
import { defaults, fields, type Fields, type Rules } from "./fields.ts";
import { podCauses, preparePodSpec } from "./pod-spec.ts";

export const jobRules: Rules = {
  normalize(job, old) {
    const spec = fields(job, "spec");
    const template = fields(spec, "template");
    preparePodSpec(fields(template, "spec"));
    if (spec["parallelism"] === undefined) defaults(spec, { completions: 1 });
    defaults(spec, {
      parallelism: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: "TerminatingOrFailed",
    });
    if (old === undefined && Object.keys(job.metadata.labels ?? {}).length === 0) {
      const labels = fields(fields(template, "metadata"), "labels") as Record<string, string>;
      if (Object.keys(labels).length > 0) job.metadata.labels = { ...labels };
    }
  },
  prepare(job, old) {
    const spec = fields(job, "spec");
    if (old !== undefined || spec["manualSelector"] === true) return;
    const uid = job.metadata.uid ?? "";
    const labels = {
      "batch.kubernetes.io/controller-uid": uid,
      "batch.kubernetes.io/job-name": job.metadata.name,
      "controller-uid": uid,
      "job-name": job.metadata.name,
    };
    defaults(spec, { selector: { matchLabels: { "batch.kubernetes.io/controller-uid": uid } } });
    const metadata = (fields(spec, "template")["metadata"] ??= {}) as Fields;
    // Labels that the Job has from its template are the template's also later on.
    const shared = deepEqual(job.metadata.labels ?? {}, metadata["labels"] ?? {});
    metadata["labels"] = { ...(metadata["labels"] as object | undefined), ...labels };
    if (shared) job.metadata.labels = { ...job.metadata.labels, ...labels };
  },
  validate(job, old) {
    const template = fields(fields(job, "spec"), "template");
    const policy = fields(template, "spec")["restartPolicy"];
    return [
      ...podCauses(fields(template, "spec"), "spec.template.spec"),
      ...endingCauses(policy, "spec.template.spec"),
      ...(old === undefined
        ? []
        : immutable(job, old, [
            "spec.selector",
            fields(old, "spec")["suspend"] === true ? "spec.template.spec" : "spec.template",
            "spec.completionMode",
            "spec.completions",
          ])),
    ];
  },
};

export const cronJobRules: Rules = {
  normalize(cron) {
    const spec = fields(cron, "spec");
    defaults(spec, { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
    preparePodSpec(fields(fields(fields(fields(spec, "jobTemplate"), "spec"), "template"), "spec"));
  },
  validate(cron) {
    const { schedule, timeZone } = fields(cron, "spec");
    const invalid = (field: string, value: unknown, why: string): ErrorCause => ({
      field: `spec.${field}`,
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
    });
    const template = fields(fields(fields(fields(fields(cron, "spec"), "jobTemplate"), "spec"), "template"), "spec");
    const path = "spec.jobTemplate.spec.template.spec";
    const causes = [...podCauses(template, path), ...endingCauses(template["restartPolicy"], path)];
    if (typeof timeZone === "string" && !isTimeZone(timeZone)) return [...causes, invalid("timeZone", timeZone, `unknown time zone ${timeZone}`)];
    if (typeof schedule !== "string") return causes; // the schema says so
    try {
      parseSchedule(schedule);
      return causes;
    } catch (error) {
      return [...causes, invalid("schedule", schedule, (error as Error).message)];
    }
  },
};

/** A Job is for programs that end. */
function endingCauses(policy: unknown, path: string): ErrorCause[] {
  if (policy === "OnFailure" || policy === "Never") return [];
  const message = `Unsupported value: ${JSON.stringify(policy)}: supported values: "OnFailure", "Never"`;
  return [{ field: `${path}.restartPolicy`, reason: "FieldValueNotSupported", message }];
}
