import { PlatformError } from "@threeport/resource";
import type { ScoreDocument } from "./document.ts";

/** Stands for the image that is given when the workload is deployed. */
export const givenImage = ".";

/**
 * Puts images in place of `.`: one by the name of its container, or the one without a name for all others.
 * @throws PlatformError TP_USAGE when an image is named for a container that is not there, or that names its own
 */
export function withImages(
  document: ScoreDocument,
  images: { readonly all?: string | undefined; readonly byContainer: ReadonlyMap<string, string> },
): ScoreDocument {
  for (const name of images.byContainer.keys()) {
    const container = Object.hasOwn(document.containers, name) ? document.containers[name] : undefined;
    const those = Object.entries(document.containers)
      .filter(([, { image }]) => image === givenImage)
      .map(([each]) => each);
    if (container === undefined || container.image !== givenImage)
      throw new PlatformError("TP_USAGE", {
        message: `workload ${document.metadata.name} has no container ${name} with image: .`,
        detail: { hint: those.length === 0 ? "all its containers name their images" : `such are ${those.join(", ")}` },
      });
  }
  const containers = Object.entries(document.containers).map(([name, container]) => {
    const image = images.byContainer.get(name) ?? images.all;
    return [name, container.image === givenImage && image !== undefined ? { ...container, image } : container] as const;
  });
  return { ...document, containers: Object.fromEntries(containers) };
}
