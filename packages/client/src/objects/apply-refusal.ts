import { PlatformError, type ErrorCause } from "@threeport/resource";

const typedPatch = "failed to create typed patch object";

/**
 * kube-apiserver answers an apply whose object does not fit its schema with 500 and no reason (seen in 1.36), whatever `fieldValidation` says. No
 * retry can help, so it becomes TP_RUNTIME_REFUSED with a cause for each field. Other errors stay as they are.
 */
export function applyRefusal(error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.detail["httpStatus"] !== 500 || !error.message.startsWith(typedPatch)) return error;
  const causes: ErrorCause[] = [...error.message.matchAll(/(?:^|\s)\.([^\s:]+): ([^\n]+)/g)].map(([, field = "", message = ""]) => ({
    field,
    reason: "FieldValueInvalid",
    message: message.trim(),
  }));
  return new PlatformError("TP_RUNTIME_REFUSED", {
    message: `the object does not fit its schema: ${error.message.slice(typedPatch.length).trim()}`,
    causes,
    detail: error.detail,
    cause: error,
  });
}
