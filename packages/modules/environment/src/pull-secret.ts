import { pullSecretName } from "./credentials.ts";
import { fields, items, type KubeObject } from "@threeport/resource";
import { podSpecOf, withPodTemplate } from "./pod-templates.ts";

/** The document with its pods pulling by the environment's credentials, beside what they name themselves. */
export function withPullSecret(object: KubeObject): KubeObject {
  return withPodTemplate(object, (template) => {
    const spec = podSpecOf(template);
    const named = items(spec["imagePullSecrets"]);
    if (named.some((entry) => fields(entry)["name"] === pullSecretName)) return template;
    return { ...template, spec: { ...spec, imagePullSecrets: [...named, { name: pullSecretName }] } };
  });
}
