import { parseKubeconfig } from "@threeport/client";
import { toPlatformError, type ErrorCause, type Kind, type KubeObject } from "@threeport/resource";

/** Secrets of this type hold a kubeconfig under the key `kubeconfig`. */
export const kubeconfigSecretType = "threeport.io/kubeconfig";

/**
 * The Secret kind with P4 (design.md §5.10) built in: a kubeconfig that would make the server run programs, read files
 * or trust blindly is refused when it is written (422), not when it is used.
 */
export function withKubeconfigRules(secretKind: Kind): Kind {
  return { ...secretKind, validate: (object, old) => [...secretKind.validate(object, old), ...kubeconfigCauses(object)] };
}

/** Whatever mentions one of these, in YAML or JSON, is taken for a kubeconfig and must be a good one. */
const looksLikeKubeconfig = /\bkind["']?\s*:\s*["']?Config\b|\b(?:clusters|contexts|current-context)\b/;

function kubeconfigCauses(object: KubeObject): ErrorCause[] {
  const encoded = (object["data"] as Record<string, string> | undefined)?.["kubeconfig"];
  const declared = object["type"] === kubeconfigSecretType;
  if (encoded === undefined)
    return declared
      ? [
          {
            field: "data.kubeconfig",
            reason: "FieldValueRequired",
            message: `Required value: a Secret of type ${kubeconfigSecretType} holds a kubeconfig under this key`,
          },
        ]
      : [];
  const text = Buffer.from(encoded, "base64").toString("utf8");
  if (!declared && !looksLikeKubeconfig.test(text)) return [];
  try {
    parseKubeconfig(text);
    return [];
  } catch (thrown) {
    const error = toPlatformError(thrown);
    if (error.causes.length === 0) return [{ field: "data.kubeconfig", reason: "FieldValueInvalid", message: `Invalid value: ${error.message}` }];
    return error.causes.map((cause) => ({
      field: `data.kubeconfig: ${cause.field ?? ""}`,
      reason: cause.reason ?? "FieldValueInvalid",
      message: cause.message,
    }));
  }
}
