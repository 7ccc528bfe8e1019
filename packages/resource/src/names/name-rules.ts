// Each rule returns what is wrong with a text, as phrases that follow "must": an empty list means nothing is. Lengths count
// UTF-8 bytes, as in Go; what passes a pattern is ASCII anyway. Patterns are linear in the length of the text.

/** Longest label of a domain name (RFC 1123), and of the name part and value of a label. */
const labelLengthMax = 63;
/** Longest domain name (RFC 1123). */
const subdomainLengthMax = 253;

/** Longest name of a field manager; Kubernetes' number. */
const fieldManagerLengthMax = 128;

const dns1123Label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const dns1123Subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const dns1035Label = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/;
const namePart = /^[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?$/;

const dns1123LabelPhrase = "must be lower case letters, digits or '-', and start and end with a letter or digit (for example 'my-name' or '123-abc')";
const dns1123SubdomainPhrase =
  "must be lower case letters, digits, '-' or '.', and start and end with a letter or digit, also around each '.' (for example 'example.com')";
const namePartPhrase = "must be letters, digits, '-', '_' or '.', and start and end with a letter or digit (for example 'MyName', 'my.name' or '123-abc')";

/** Names of namespaces, and of whatever becomes one label of a domain name. */
export function dns1123LabelProblems(value: string): string[] {
  return [...tooLong(value, labelLengthMax), ...mismatch(value, dns1123Label, dns1123LabelPhrase)];
}

/** Names of most objects. */
export function dns1123SubdomainProblems(value: string): string[] {
  return [...tooLong(value, subdomainLengthMax), ...mismatch(value, dns1123Subdomain, dns1123SubdomainPhrase)];
}

/** Names of Services: a domain label that starts with a letter. */
export function dns1035LabelProblems(value: string): string[] {
  const phrase = "must be lower case letters, digits or '-', start with a letter, and end with a letter or digit (for example 'my-name' or 'abc-123')";
  return [...tooLong(value, labelLengthMax), ...mismatch(value, dns1035Label, phrase)];
}

/** Names that only have to be one segment of a URL path, such as those of RBAC roles: `system:basic-user`. */
export function pathSegmentProblems(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((character) => value.includes(character)).map((character) => `may not contain '${character}'`);
}

/** `name` or `prefix.example.com/name`: keys of labels, names of finalizers, condition types. */
export function qualifiedNameProblems(value: string): string[] {
  const slash = value.indexOf("/");
  const prefix = slash < 0 ? undefined : value.slice(0, slash);
  const name = value.slice(slash + 1);
  if (name.includes("/")) return ["must be a name with at most one prefix before a '/' (for example 'example.com/MyName')"];
  return [
    ...(prefix === undefined
      ? []
      : prefix === ""
        ? ["prefix part must not be empty"]
        : dns1123SubdomainProblems(prefix).map((problem) => `prefix part ${problem}`)),
    ...(name === ""
      ? ["name part must not be empty"]
      : [...tooLong(name, labelLengthMax), ...mismatch(name, namePart, namePartPhrase)].map((problem) => `name part ${problem}`)),
  ];
}

export function labelKeyProblems(value: string): string[] {
  return qualifiedNameProblems(value);
}

/** May be empty. */
export function labelValueProblems(value: string): string[] {
  if (value === "") return [];
  return [...tooLong(value, labelLengthMax), ...mismatch(value, namePart, `${namePartPhrase}, or be empty`)];
}

/** Names of field managers, as in `?fieldManager=`. */
export function fieldManagerProblems(value: string): string[] {
  return [...tooLong(value, fieldManagerLengthMax), ...(/\p{C}/u.test(value) ? ["must be printable characters"] : [])];
}

function tooLong(value: string, bytesMax: number): string[] {
  return value.length > bytesMax || Buffer.byteLength(value) > bytesMax ? [`must be no more than ${bytesMax} characters`] : [];
}

function mismatch(value: string, pattern: RegExp, phrase: string): string[] {
  return pattern.test(value) ? [] : [phrase];
}
