import { conditionsOf, when } from "../conditions.ts";
import { unlessWrong } from "../cursor.ts";
import { degraded, healthy, type Finding } from "../finding.ts";
import { childrenOf, type Child, type Scene } from "../scene.ts";
import { at } from "../text.ts";

/** A CronJob is as healthy as its last finished run; a run that is under way is no news yet. */
export function cronJob(scene: Scene): Finding {
  const { object } = scene;
  if (object.flag("spec", "suspend") === true)
    return healthy("CronJobSuspended", "It is suspended: no run starts until spec.suspend is set to false.", "/spec/suspend");
  const active = object.list("status", "active").length;
  if (active > 0) return healthy("RunActive", active === 1 ? "A run is under way." : `${active} runs are under way.`, "/status/active");
  const scheduled = object.moment("status", "lastScheduleTime");
  const succeeded = object.moment("status", "lastSuccessfulTime");
  if (scheduled === undefined) return healthy("NotScheduledYet", "Its first run is still to come.", "/status/lastScheduleTime");
  const failed = newestFailed(scene);
  if (succeeded === undefined) {
    if (failed !== undefined)
      return {
        ...degraded("LastRunFailed", `The last run, Job ${failed.id.name}, failed, and none has succeeded yet. Look at that Job.`, "/status/conditions"),
        culprit: failed.id,
      };
    return {
      ...healthy("NeverSucceeded", "No run has succeeded yet.", "/status/lastSuccessfulTime"),
      warning: `No run has succeeded yet; the last one started at ${at(scheduled)}.`,
    };
  }
  if (succeeded >= scheduled) return healthy("LastRunSucceeded", `The last run succeeded at ${at(succeeded)}.`, "/status/lastSuccessfulTime");
  const finding = degraded(
    "LastRunFailed",
    `The run of ${at(scheduled)} did not succeed; the last success was at ${at(succeeded)}. Look at ${failed === undefined ? "its Job" : `Job ${failed.id.name}`}.`,
    failed === undefined ? "/status/lastSuccessfulTime" : "/status/conditions",
  );
  return failed === undefined ? finding : { ...finding, culprit: failed.id };
}

/** The newest Job, if it failed. */
function newestFailed(scene: Scene): Child | undefined {
  const newest = childrenOf(scene, "batch", "Job")[0];
  return newest !== undefined && unlessWrong(() => when(conditionsOf(newest.object), "Failed", "True")) !== undefined ? newest : undefined;
}
