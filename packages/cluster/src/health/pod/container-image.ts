import { degraded, type Finding } from "../finding.ts";
import { quote, scannable } from "../text.ts";
import { titleOf, type Container } from "./container.ts";

/** Reasons that the kubelet and the container runtime write while an image is not there (kubelet images/types.go, cri-api errors). */
const pullReasons: ReadonlySet<string> = new Set(["ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed"]);

/**
 * An image that cannot be had. `ErrImagePull` and `ImagePullBackOff` take turns while the kubelet tries again; both are
 * reported as the latter, so that the verdict stays the same until the facts change.
 */
export function imageProblem(container: Container, reason: string, message: string, evidence: string): Finding | undefined {
  const who = titleOf(container);
  const image = `image "${container.image}"`;
  if (reason === "InvalidImageName")
    return degraded(reason, `${who}: ${image} is not a valid image name (${quote(message)}). Correct it in the workload.`, evidence);
  if (reason === "ErrImageNeverPull")
    return degraded(
      reason,
      `${who}: ${image} is not on the node and imagePullPolicy is Never. Load the image on the node, or use another pull policy.`,
      evidence,
    );
  if (reason === "ImageInspectError")
    return degraded(
      reason,
      `${who}: ${image} is on the node but cannot be read there: ${quote(message)}. Check the node's container runtime and disk.`,
      evidence,
    );
  if (!pullReasons.has(reason)) return undefined;
  const cause = pullCause(scannable(message));
  return degraded(
    "ImagePullBackOff",
    `${who}: ${image} cannot be pulled${cause.detail === "" ? "" : ` (${quote(essence(cause.detail))})`}. ${cause.advice}`,
    evidence,
  );
}

/**
 * The end of the chain of errors: what surrounds it repeats the image's name, and the sockets have numbers that change
 * with every try, which would make the same trouble look new each time.
 */
function essence(detail: string): string {
  return detail
    .replace(/^.*failed to do request: /, "")
    .replace(/(?:read|write|dial) (?:udp|tcp) \S+->\S+: (?:(?:read|write|connect): )?/g, "")
    .replace(/^Head "[^"]*": /, "");
}

interface PullCause {
  readonly detail: string;
  readonly advice: string;
}

const registryWords: readonly { readonly pattern: RegExp; readonly advice: string }[] = [
  {
    pattern: /no basic auth|authentication required|unauthorized|authorization failed|authoriz|access denied|insufficient_scope|403 forbidden|401/i,
    advice:
      "The registry refuses access, or the image does not exist: check name and tag, and that there are credentials for this registry: under spec.registries of the environment, or as a pull secret of the pod or its service account.",
  },
  { pattern: /manifest unknown|not found|name unknown|does not exist|404/i, advice: "Check that the image's name and tag exist in the registry." },
  { pattern: /toomanyrequests|too many requests|rate limit|429/i, advice: "The registry limits pulls: wait, pull with an account, or use a mirror." },
  {
    pattern: /no match for platform|no matching manifest|exec format/i,
    advice: "The image has no variant for the node's processor: build it for that platform.",
  },
  { pattern: /x509|certificate/i, advice: "The registry's certificate is not trusted by the node: install its authority there." },
  {
    pattern:
      /no such host|connection refused|i\/o timeout|dial tcp|deadline exceeded|no route to host|network is unreachable|TLS handshake timeout|RegistryUnavailable|\bEOF\b/i,
    advice: "The node cannot reach the registry: check its name, DNS, firewall and proxy.",
  },
  { pattern: /no space left/i, advice: "The node's disk is full: free space there." },
  { pattern: /signature/i, advice: "The node only runs signed images: sign this one, or change the node's policy." },
];

function pullCause(message: string): PullCause {
  const detail = lastError(message);
  const known = registryWords.find(({ pattern }) => pattern.test(detail));
  return {
    detail,
    advice:
      known?.advice ?? "Check that the name and tag exist, that the node can reach the registry, and that a pull secret is there if the registry needs one.",
  };
}

/** Of `Back-off pulling image "…": ErrImagePull: rpc error: code = NotFound desc = …` only what the registry said. */
function lastError(message: string): string {
  const start = message.indexOf("desc = ");
  const text = start < 0 ? message : message.slice(start + "desc = ".length);
  return text
    .replace(/^Back-off pulling image "[^"]*"(: )?/, "")
    .replace(/^(ErrImagePull|ImagePullBackOff|RegistryUnavailable|SignatureValidationFailed)(: )?/, "")
    .trim();
}
