/**
 * The one registry of what can go wrong (design.md §5.11): for each code, whether a retry can help, the HTTP status and
 * Kubernetes `reason` an API client sees, the exit code of `tptctl`, and the sentence for people. `docs/errors.md` is
 * checked against it. Details are data: they are never glued into `public`.
 */
export interface ErrorEntry {
  /** `never`: the same call fails again until somebody changes something. `backoff`: later may work. `now`: read again and retry. */
  readonly retry: "never" | "backoff" | "now";
  readonly http: number;
  /** metav1.StatusReason as client-go knows it. */
  readonly reason: string;
  /** Exit code of `tptctl`: 2 usage, 3 invalid input, 4 not found, 5 conflict, 6 forbidden, 7 unavailable, 8 deadline, 1 anything else. */
  readonly exit: number;
  readonly public: string;
}

export const errorRegistry = {
  TP_BAD_REQUEST: { retry: "never", http: 400, reason: "BadRequest", exit: 3, public: "The request cannot be understood." },
  TP_UNAUTHORIZED: { retry: "never", http: 401, reason: "Unauthorized", exit: 6, public: "No valid credentials were sent." },
  TP_FORBIDDEN: { retry: "never", http: 403, reason: "Forbidden", exit: 6, public: "You may not do this." },
  TP_NOT_FOUND: { retry: "never", http: 404, reason: "NotFound", exit: 4, public: "The object does not exist." },
  TP_KIND_UNKNOWN: { retry: "backoff", http: 404, reason: "NotFound", exit: 4, public: "The server does not serve this kind of object." },
  TP_METHOD_NOT_ALLOWED: { retry: "never", http: 405, reason: "MethodNotAllowed", exit: 2, public: "The resource does not support this verb." },
  TP_NOT_ACCEPTABLE: { retry: "never", http: 406, reason: "NotAcceptable", exit: 2, public: "None of the accepted media types can be served." },
  TP_ALREADY_EXISTS: { retry: "never", http: 409, reason: "AlreadyExists", exit: 5, public: "An object of this name exists." },
  TP_VERSION_CONFLICT: { retry: "now", http: 409, reason: "Conflict", exit: 5, public: "The object changed since it was read." },
  TP_APPLY_CONFLICT: { retry: "never", http: 409, reason: "Conflict", exit: 5, public: "Somebody else manages fields that this would change." },
  TP_IN_USE: { retry: "never", http: 409, reason: "Conflict", exit: 5, public: "The object is in use." },
  TP_EXPIRED: { retry: "now", http: 410, reason: "Expired", exit: 7, public: "The requested version is too old; list again." },
  TP_REQUEST_TIMEOUT: { retry: "backoff", http: 408, reason: "Timeout", exit: 8, public: "The request did not arrive whole in time." },
  TP_TOO_LARGE: { retry: "never", http: 413, reason: "RequestEntityTooLarge", exit: 3, public: "The request is too large." },
  TP_UNSUPPORTED_MEDIA_TYPE: { retry: "never", http: 415, reason: "UnsupportedMediaType", exit: 2, public: "The body's media type is not supported." },
  TP_INVALID: { retry: "never", http: 422, reason: "Invalid", exit: 3, public: "The object is not valid." },
  TP_HEADERS_TOO_LARGE: { retry: "never", http: 431, reason: "RequestEntityTooLarge", exit: 3, public: "The URL and headers of the request are too large." },
  TP_TOO_MANY_REQUESTS: { retry: "backoff", http: 429, reason: "TooManyRequests", exit: 7, public: "Too many requests; try again later." },
  TP_INTERNAL: { retry: "backoff", http: 500, reason: "InternalError", exit: 1, public: "The control plane failed; its log has the details." },
  TP_UNAVAILABLE: { retry: "backoff", http: 503, reason: "ServiceUnavailable", exit: 7, public: "The control plane is not available right now." },
  TP_VERSION_TOO_LARGE: { retry: "backoff", http: 504, reason: "Timeout", exit: 7, public: "Too large resource version." },
  TP_DEADLINE: { retry: "backoff", http: 504, reason: "Timeout", exit: 8, public: "The work did not end by its deadline." },
  TP_LEASE_LOST: { retry: "backoff", http: 409, reason: "Conflict", exit: 1, public: "Another worker holds this key now; nothing was written." },
  TP_RUNTIME_UNREACHABLE: { retry: "backoff", http: 503, reason: "ServiceUnavailable", exit: 7, public: "The Kubernetes runtime cannot be reached." },
  TP_RUNTIME_ANSWER_INVALID: {
    retry: "backoff",
    http: 503,
    reason: "ServiceUnavailable",
    exit: 7,
    public: "The Kubernetes runtime sent an answer that cannot be used.",
  },
  TP_RUNTIME_REFUSED: { retry: "never", http: 422, reason: "Invalid", exit: 3, public: "The Kubernetes runtime refused the object." },
  TP_RUNTIME_NOT_OURS: { retry: "backoff", http: 409, reason: "Conflict", exit: 5, public: "Another control plane owns this runtime." },
  TP_QUOTA_EXCEEDED: { retry: "never", http: 403, reason: "Forbidden", exit: 6, public: "The environment has no room for this." },
  TP_NOT_ALLOWED: { retry: "never", http: 403, reason: "Forbidden", exit: 6, public: "The environment does not allow this object." },
  TP_OWNED_BY_ANOTHER: { retry: "never", http: 409, reason: "Conflict", exit: 5, public: "Somebody else owns this object in the cluster." },
  TP_KUBECONFIG_INVALID: { retry: "never", http: 422, reason: "Invalid", exit: 3, public: "The kubeconfig cannot be used as written." },
  TP_YAML_INVALID: { retry: "never", http: 400, reason: "BadRequest", exit: 3, public: "The YAML cannot be read." },
  TP_DATABASE_UNAVAILABLE: { retry: "backoff", http: 503, reason: "ServiceUnavailable", exit: 7, public: "The database cannot be reached." },
  TP_DATABASE_FOLDER_IN_USE: { retry: "never", http: 409, reason: "Conflict", exit: 5, public: "Another control plane uses this data folder." },
  TP_DATABASE_FOLDER_INVALID: { retry: "never", http: 500, reason: "InternalError", exit: 1, public: "The data folder cannot be used as it is." },
  TP_DATABASE_FOLDER_UNREACHABLE: { retry: "never", http: 500, reason: "InternalError", exit: 1, public: "The database's user cannot get to the data folder." },
  TP_DATABASE_START_FAILED: { retry: "backoff", http: 503, reason: "ServiceUnavailable", exit: 7, public: "The embedded database could not be started." },
  TP_KEY_WRONG: { retry: "never", http: 500, reason: "InternalError", exit: 3, public: "The key-encryption key does not fit this database." },
  TP_KEY_UNKNOWN: { retry: "now", http: 500, reason: "InternalError", exit: 1, public: "Something was sealed under a data key that is not known here yet." },
  TP_TOOL_MISSING: { retry: "never", http: 500, reason: "InternalError", exit: 1, public: "A program that is needed is not installed." },
  TP_LOCAL_KUBERNETES_FAILED: { retry: "backoff", http: 500, reason: "InternalError", exit: 1, public: "The local Kubernetes could not be started." },
  TP_USAGE: { retry: "never", http: 400, reason: "BadRequest", exit: 2, public: "The command cannot be used this way." },
  TP_NOT_HEALTHY: { retry: "never", http: 504, reason: "Timeout", exit: 8, public: "It did not become healthy." },
} as const satisfies Record<`TP_${string}`, ErrorEntry>;

export type ErrorCode = keyof typeof errorRegistry;

/** One thing that is wrong with one field; `field` is a path such as `spec.source.manifests.objects[2].kind`. */
export interface ErrorCause {
  readonly field?: string;
  /** metav1.CauseType, for example `FieldValueInvalid`. */
  readonly reason?: string;
  readonly message: string;
}

export interface ErrorInit {
  /** Says what happened here and what to do next; shown to users behind the registry's sentence. Never holds secret values. */
  readonly message?: string;
  readonly causes?: readonly ErrorCause[];
  /** Data for logs and `details`; never holds secret values. */
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** The only error type that crosses package borders. */
export class PlatformError extends Error {
  readonly code: ErrorCode;
  readonly causes: readonly ErrorCause[];
  readonly detail: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, init: ErrorInit = {}) {
    super(init.message ?? errorRegistry[code].public, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "PlatformError";
    this.code = code;
    this.causes = init.causes ?? [];
    this.detail = init.detail ?? {};
    this.retryAfterSeconds = init.retryAfterSeconds;
  }

  get entry(): ErrorEntry {
    return errorRegistry[this.code];
  }
}

/** Turns anything thrown into our error; what we do not know is `TP_INTERNAL` with the original as `cause`. */
export function toPlatformError(thrown: unknown): PlatformError {
  if (thrown instanceof PlatformError) return thrown;
  return new PlatformError("TP_INTERNAL", { cause: thrown });
}

export function isErrorCode(thrown: unknown, code: ErrorCode): boolean {
  return thrown instanceof PlatformError && thrown.code === code;
}
