import type { Query } from "../http/query.ts";
import type { CallOptions } from "../http/send-options.ts";

/** What every write takes. */
export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string;
  /** What the server does with fields it does not know. Kubernetes' default for JSON is `Warn`. */
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict";
  /** The server does everything but store. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Takes fields over from other managers; without it they are conflicts. */
  readonly force?: boolean;
  readonly subresource?: string;
}

export interface PatchOptions extends WriteOptions {
  /** `merge` = RFC 7386 (default), `json` = RFC 6902, `strategic` for kinds that the server knows natively. */
  readonly type?: "merge" | "json" | "strategic";
}

export interface DeleteOptions extends CallOptions {
  /** The object is left alone (409) when it is not this one any more. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: boolean;
}

export interface GetOptions extends CallOptions {
  readonly resourceVersion?: string;
}

export interface Selection {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListOptions extends CallOptions, Selection {
  /** Objects asked for at once; all pages are read. Default 500. */
  readonly pageSize?: number;
  /** Unset reads the newest state; "0" takes whatever the server has in memory, possibly old. */
  readonly resourceVersion?: string;
}

export function writeQuery(options: WriteOptions): Query {
  return {
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
    dryRun: options.dryRun === true ? "All" : undefined,
  };
}

/** The part of a verb's options that the transport takes. */
export function callOptions(options: CallOptions): CallOptions {
  return {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  };
}
