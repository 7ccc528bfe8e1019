/**
 * Formats that Kubernetes looks at (kube-openapi's list); others are only documentation. Every pattern here is linear in the
 * length of the text.
 */
const formats: Readonly<Record<string, (value: string) => boolean>> = {
  "date-time": (value) => dateTime.test(value) && !Number.isNaN(Date.parse(value.replace(/^(\d{4}-\d\d-\d\d)[ t]/, "$1T"))),
  date: (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && isDate(value),
  duration: (value) => duration.test(value),
  uuid: (value) => uuid.test(value),
  uuid3: (value) => uuid.test(value) && /^.{14}3|^.{12}3/.test(value),
  uuid4: (value) => uuid.test(value) && /^.{14}4|^.{12}4/.test(value),
  uuid5: (value) => uuid.test(value) && /^.{14}5|^.{12}5/.test(value),
  byte: (value) => /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/.test(value) && value.replace(/[\r\n]/g, "").length % 4 === 0,
  ipv4: isIpv4,
  ipv6: isIpv6,
  cidr: isCidr,
  mac: (value) => /^(?:[0-9a-fA-F]{2}[:-]){5}(?:[0-9a-fA-F]{2}[:-]){0,2}[0-9a-fA-F]{2}$/.test(value) || /^(?:[0-9a-fA-F]{4}\.){2,3}[0-9a-fA-F]{4}$/.test(value),
  email: (value) => /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(value),
  hostname: (value) =>
    value.length <= 255 && /^(?:[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)(?:\.[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)*\.?$/.test(value),
  uri: (value) => URL.canParse(value) || /^\/[^\s]*$/.test(value),
  hexcolor: (value) => /^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(value),
  rgbcolor: (value) => /^rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)$/.test(value),
  creditcard: (value) => /^(?:\d[ -]?){12,18}\d$/.test(value),
  ssn: (value) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(value),
  isbn: (value) => /^(?:\d[- ]?){9}[\dXx]$|^(?:\d[- ]?){13}$/.test(value),
  isbn10: (value) => /^(?:\d[- ]?){9}[\dXx]$/.test(value),
  isbn13: (value) => /^(?:\d[- ]?){13}$/.test(value),
  bsonobjectid: (value) => /^[0-9a-fA-F]{24}$/.test(value),
  datetime: (value) => dateTime.test(value),
};

const uuid = /^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$/;
const dateTime = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})?$/;
const duration =
  /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w))*$|^0$|^\d+ ?(?:seconds?|minutes?|hours?|days?|weeks?)$/;

/** Whether `value` is not of the format; of a format that nobody knows everything is. */
export function formatProblem(format: string, value: string): boolean {
  // Kubernetes takes a format in any spelling: `date-time` and `datetime` are one.
  const check = Object.hasOwn(formats, format) ? formats[format] : undefined;
  return check !== undefined && !check(value);
}

function isDate(value: string): boolean {
  const time = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

export function isIpv4(value: string): boolean {
  const parts = value.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

export function isIpv6(value: string): boolean {
  if (value.length > 45 || !value.includes(":")) return false;
  const halves = value.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const embedded = last.includes(".");
  if (embedded && !isIpv4(last)) return false;
  const plain = embedded ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = plain.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

export function isCidr(value: string): boolean {
  const slash = value.indexOf("/");
  if (slash < 0) return false;
  const [address, bits] = [value.slice(0, slash), value.slice(slash + 1)];
  if (!/^(?:0|[1-9]\d{0,2})$/.test(bits)) return false;
  return (isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128);
}
