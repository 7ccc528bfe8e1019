import { PlatformError, type ErrorCause } from "@threeport/resource";
import type { ListQuery } from "../pipeline/list.ts";
import type { Query } from "./negotiation.ts";

/** Parameters of lists and watches, checked against each other: what does not go together is refused before anything is read. */
export interface ListOptions extends ListQuery {
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

export function readListOptions(query: Query, verb: "list" | "watch"): ListOptions {
  const match = query.text("resourceVersionMatch");
  const options = {
    limit: query.integer("limit"),
    continue: query.text("continue"),
    resourceVersion: query.text("resourceVersion"),
    sendInitialEvents: query.flag("sendInitialEvents"),
    allowWatchBookmarks: query.flag("allowWatchBookmarks") === true,
    timeoutSeconds: query.integer("timeoutSeconds"),
  };
  const causes = verb === "list" ? listCauses(match, options) : watchCauses(match, options);
  if (causes.length > 0) throw refused(causes);
  return { ...options, resourceVersionMatch: match === "Exact" || match === "NotOlderThan" ? match : undefined };
}

type Given = Pick<ListOptions, "continue" | "resourceVersion" | "sendInitialEvents">;

function listCauses(match: string | undefined, { continue: token, resourceVersion, sendInitialEvents }: Given): ErrorCause[] {
  const causes: ErrorCause[] = [];
  if (match !== undefined) {
    if (resourceVersion === undefined) causes.push(forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if (token !== undefined) causes.push(forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
    if (match !== "Exact" && match !== "NotOlderThan") causes.push(unsupported(match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && resourceVersion === "0")
      causes.push(forbidden("resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (sendInitialEvents !== undefined) causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return causes;
}

function watchCauses(match: string | undefined, { continue: token, sendInitialEvents }: Given): ErrorCause[] {
  const causes: ErrorCause[] = [];
  if (sendInitialEvents !== undefined && match !== "NotOlderThan")
    causes.push(forbidden("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  if (match !== undefined) {
    if (sendInitialEvents === undefined)
      causes.push(forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
    if (match !== "NotOlderThan") causes.push(unsupported(match, ["NotOlderThan"]));
  }
  if (token !== undefined) causes.push(forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
  return causes;
}

function forbidden(field: string, why: string): ErrorCause {
  return { field, reason: "FieldValueForbidden", message: `Forbidden: ${why}` };
}

function unsupported(value: string, supported: readonly string[]): ErrorCause {
  return {
    field: "resourceVersionMatch",
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${JSON.stringify(value.slice(0, 50))}: supported values: ${supported.map((name) => `"${name}"`).join(", ")}`,
  };
}

function refused(causes: readonly ErrorCause[]): PlatformError {
  const lines = causes.map((cause) => `${cause.field ?? ""}: ${cause.message}`);
  return new PlatformError("TP_INVALID", {
    message: `ListOptions.meta.k8s.io "" is invalid: ${lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`}`,
    causes,
    detail: { kind: "ListOptions", group: "meta.k8s.io" },
  });
}
