import { degraded, type Finding } from "../finding.ts";
import { quote, scannable } from "../text.ts";
import { titleOf, type Container } from "./container.ts";

/** `CreateContainerConfigError`: what the container refers to is not there. The kubelet's message is matched (kubelet_pods.go). */
export function configProblem(container: Container, namespace: string | undefined, message: string, evidence: string): Finding {
  const who = titleOf(container);
  const text = scannable(message);
  const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
  const problem = (sentence: string): Finding => degraded("CreateContainerConfigError", `${who} cannot be created: ${sentence}`, evidence);

  const object = /^(configmap|secret) "([^"]+)" not found/i.exec(text);
  if (object !== null) {
    const kind = kindOf(object[1]);
    return problem(`${kind} "${object[2] ?? ""}" does not exist${where}. Create it, or mark the reference as optional.`);
  }
  const key = /couldn't find key (\S+) in (ConfigMap|Secret) \S*?([^/\s]+)$/.exec(text);
  if (key !== null) return problem(`${kindOf(key[2])} "${key[3] ?? ""}"${where} has no key "${key[1] ?? ""}". Add the key, or correct the reference.`);
  if (text.includes("image will run as root"))
    return problem("the pod must not run as root (runAsNonRoot), but the image does. Set runAsUser to a number other than 0, or build the image with a USER.");
  if (text.includes("non-numeric user"))
    return problem(
      "the pod must not run as root (runAsNonRoot), and the image names its user by a word, which cannot be checked. Set runAsUser to the user's number.",
    );
  if (/subPath/.test(text)) return problem(`a subPath of a volume cannot be prepared (${quote(text)}). Check that the path exists in the volume.`);
  return problem(`${quote(text)}. Check the container's environment, volumes and security context.`);
}

function kindOf(word: string | undefined): string {
  return word?.toLowerCase() === "secret" ? "Secret" : "ConfigMap";
}
