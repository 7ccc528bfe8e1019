import { PlatformError, errorRegistry, type ErrorCause, type ErrorCode } from "./errors.ts";

/** metav1.Status: the body of every API error. */
export interface Status {
  kind: "Status";
  apiVersion: "v1";
  /** `continue`: where a list whose state has expired can go on. */
  metadata: { continue?: string };
  status: "Failure" | "Success";
  message: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: { field?: string; reason?: string; message: string }[];
    retryAfterSeconds?: number;
    /** Our own registry code, so that clients can tell causes apart that share a Kubernetes reason. */
    code?: string;
  };
  code: number;
}

export function toStatus(error: PlatformError): Status {
  const entry = error.entry;
  const detail = error.detail as { name?: string; group?: string; kind?: string; uid?: string; continue?: string };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: typeof detail.continue === "string" ? { continue: detail.continue } : {},
    status: "Failure",
    message: error.message,
    reason: entry.reason,
    details: {
      ...(typeof detail.name === "string" && detail.name !== "" ? { name: detail.name } : {}),
      ...(typeof detail.group === "string" && detail.group !== "" ? { group: detail.group } : {}),
      ...(typeof detail.kind === "string" ? { kind: detail.kind } : {}),
      ...(error.causes.length === 0 ? {} : { causes: error.causes.map((cause) => ({ ...cause })) }),
      ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
      code: error.code,
    },
    code: entry.http,
  };
}

const codeOfReason: Readonly<Record<string, ErrorCode>> = {
  BadRequest: "TP_BAD_REQUEST",
  Unauthorized: "TP_UNAUTHORIZED",
  Forbidden: "TP_FORBIDDEN",
  NotFound: "TP_NOT_FOUND",
  MethodNotAllowed: "TP_METHOD_NOT_ALLOWED",
  NotAcceptable: "TP_NOT_ACCEPTABLE",
  AlreadyExists: "TP_ALREADY_EXISTS",
  Conflict: "TP_VERSION_CONFLICT",
  Expired: "TP_EXPIRED",
  Gone: "TP_EXPIRED",
  RequestEntityTooLarge: "TP_TOO_LARGE",
  UnsupportedMediaType: "TP_UNSUPPORTED_MEDIA_TYPE",
  Invalid: "TP_INVALID",
  TooManyRequests: "TP_TOO_MANY_REQUESTS",
  InternalError: "TP_INTERNAL",
  ServiceUnavailable: "TP_UNAVAILABLE",
  Timeout: "TP_DEADLINE",
  ServerTimeout: "TP_UNAVAILABLE",
};

/** The error that a `Status` answer of any Kubernetes-style server means. `httpStatus` decides where the body is not a Status. */
export function fromStatus(body: unknown, httpStatus: number): PlatformError {
  const status = isStatus(body) ? body : undefined;
  const own = status?.details?.code;
  const code = own !== undefined && own in errorRegistry ? (own as ErrorCode) : (codeOfReason[status?.reason ?? ""] ?? codeOfHttp(httpStatus));
  const causes: ErrorCause[] = (status?.details?.causes ?? []).map((cause) => ({
    message: cause.message,
    ...(cause.field === undefined ? {} : { field: cause.field }),
    ...(cause.reason === undefined ? {} : { reason: cause.reason }),
  }));
  return new PlatformError(code, {
    message: status?.message ?? `the server answered ${httpStatus}`,
    causes,
    detail: { httpStatus, reason: status?.reason, name: status?.details?.name, kind: status?.details?.kind },
    ...(status?.details?.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: status.details.retryAfterSeconds }),
  });
}

function isStatus(body: unknown): body is Status {
  return typeof body === "object" && body !== null && (body as { kind?: unknown }).kind === "Status";
}

function codeOfHttp(status: number): ErrorCode {
  for (const [code, entry] of Object.entries(errorRegistry)) if (entry.http === status) return code as ErrorCode;
  return status >= 500 ? "TP_UNAVAILABLE" : "TP_BAD_REQUEST";
}
