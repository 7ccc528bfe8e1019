import type { Answer, AnswerBody } from "./call.ts";
import type { TestApi } from "./test-api.ts";

export interface Apply {
  readonly manager?: string;
  /** Further query, with `&` in front. */
  readonly query?: string;
}

/** Sends a server-side apply: an object as JSON, text as YAML. */
export function apply(api: Pick<TestApi, "call">, path: string, configuration: object | string, { manager = "ann", query = "" }: Apply = {}): Promise<Answer> {
  const body = typeof configuration === "string" ? configuration : JSON.stringify(configuration);
  return api.call("PATCH", `${path}?fieldManager=${manager}${query}`, { body, headers: { "content-type": "application/apply-patch+yaml" } });
}

/** Who manages what: `manager operation[/subresource]` → fieldsV1. */
export function managers(object: AnswerBody): Record<string, unknown> {
  const entries = (object.metadata["managedFields"] ?? []) as { manager: string; operation: string; subresource?: string; fieldsV1: unknown }[];
  return Object.fromEntries(
    entries.map(({ manager, operation, subresource, fieldsV1 }) => [`${manager} ${operation}${subresource === undefined ? "" : `/${subresource}`}`, fieldsV1]),
  );
}
