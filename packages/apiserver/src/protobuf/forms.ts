import { rfc3339 } from "@threeport/platform";
import { PlatformError, parseJson, type JsonObject } from "@threeport/resource";
import type { Form } from "./message.ts";

/** Go's zero time, 0001-01-01T00:00:00Z: it means that there is no time. */
const zeroTimeSeconds = -62_135_596_800;
/** 9999-12-31T23:59:59Z, the last second that RFC 3339 can write. */
const timeSecondsMax = 253_402_300_799;
const nanosMax = 999_999_999;

/** What JSON shows for the decoded `fields` of a message that has a form of its own. Throws TP_BAD_REQUEST. */
export function applyForm(form: Form, fields: JsonObject): unknown {
  switch (form) {
    case "time":
      return timeText(fields, () => "");
    case "microTime":
      return timeText(fields, (nanos) => `.${String(Math.floor(nanos / 1000)).padStart(6, "0")}`);
    case "json":
      return fields["raw"] instanceof Uint8Array && fields["raw"].length > 0 ? parseJson(fields["raw"]) : null;
    case "items":
      return fields["items"] ?? [];
    case "schemaOrBool":
      return fields["schema"] ?? fields["allows"] === true;
    case "schemaOrList":
      return fields["schemas"] ?? fields["schema"] ?? null;
    case "schemaOrTexts":
      return fields["texts"] ?? fields["schema"] ?? null;
  }
}

function timeText(fields: JsonObject, fraction: (nanos: number) => string): string | null {
  if (fields["seconds"] === undefined && fields["nanos"] === undefined) return null;
  const seconds = Number(fields["seconds"] ?? 0);
  const nanos = Number(fields["nanos"] ?? 0);
  if (seconds === zeroTimeSeconds && fraction(nanos) === fraction(0)) return null;
  if (seconds < zeroTimeSeconds || seconds > timeSecondsMax || nanos < 0 || nanos > nanosMax) {
    throw new PlatformError("TP_BAD_REQUEST", { message: "a time is outside the years 1 to 9999 or has a fraction that is not below one second" });
  }
  return rfc3339(seconds * 1000).replace("Z", `${fraction(nanos)}Z`);
}
