import { conditionsOf, when } from "../conditions.ts";
import { degraded, healthy, progressing, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { at, quote } from "../text.ts";

/**
 * A cert-manager Certificate. Not ready while first issued is normal; `Issuing=False` with reason Failed is the end of
 * an attempt. A renewal, failed or not, does not take away a certificate that is still valid.
 */
export function certificate({ object }: Scene): Finding {
  const conditions = conditionsOf(object);
  const ready = conditions.get("Ready");
  const issuing = conditions.get("Issuing");
  const failed = issuing?.status === "False" && issuing.reason === "Failed" ? issuing : undefined;
  if (ready?.status === "True" && !ready.stale) {
    const until = object.moment("status", "notAfter");
    const found = healthy(issuing?.status === "True" ? "Renewing" : "Ready", `It is valid${until === undefined ? "" : ` until ${at(until)}`}.`, ready.pointer);
    return failed === undefined
      ? found
      : {
          ...found,
          warning: `Its renewal failed: ${quote(failed.message)}. Look at its CertificateRequest before it expires${until === undefined ? "" : ` at ${at(until)}`}.`,
        };
  }
  if (failed !== undefined && !failed.stale)
    return degraded(
      "IssuingFailed",
      `It could not be issued: ${quote(failed.message)}. Look at its CertificateRequest, Order and Challenge; it is tried again later.`,
      failed.pointer,
    );
  const pending = when(conditions, "Issuing", "True");
  if (pending !== undefined) return routine("Issuing", `It is being issued: ${quote(pending.message)}.`, pending.pointer);
  if (ready === undefined) return routine("Starting", "cert-manager has not looked at it yet.", "/status/conditions");
  return progressing(
    ready.stale ? "GenerationNotObserved" : ready.reason || "NotReady",
    `It is not ready: ${quote(ready.message || ready.reason)}. Check that its issuer is ready.`,
    ready.pointer,
  );
}
