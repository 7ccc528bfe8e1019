// The objects of a profile in place: its own, or those of its chart.
import { runtimeVersion, shortened } from "@threeport/module-environment";
import type { Helm } from "@threeport/module-helm";
import type { Objects } from "@threeport/resource";
import type { DependencyProfile } from "./kinds/profile.ts";
import { chartValues, leaksIn, renderObjects, type ProfileScope, type RenderedObjects } from "./render-profile.ts";

export interface ChartTools {
  readonly helm: Pick<Helm, "render">;
  readonly objects: Pick<Objects, "get">;
  readonly signal: AbortSignal;
}

/** What Helm has room for. */
const releaseNameMax = 53;
/** Where nobody says for which cluster a profile is tried. */
const kubeVersionDefault = "v1.36.0";

/**
 * @param secrets values that must stand in Secrets only
 * @throws PlatformError when the chart cannot be had
 */
export async function profileObjects(
  profile: DependencyProfile,
  { scope, secrets }: { readonly scope: ProfileScope; readonly secrets: Readonly<Record<string, string>> },
  { helm, objects, signal }: ChartTools,
): Promise<RenderedObjects> {
  const source = profile.spec.provisioner.helm;
  if (source === undefined) return renderObjects(profile, scope, secrets);
  const values = chartValues(profile, scope);
  if ("problems" in values) return values;
  const { chart, apiVersions = [] } = source;
  const kubeVersion = (await runtimeVersion(scope.runtime, objects)) ?? kubeVersionDefault;
  const request = { chart, release: shortened(scope.name, releaseNameMax), namespace: scope.targetNamespace, values: values.values, kubeVersion, apiVersions };
  const rendered = await helm.render(request, signal);
  if ("problem" in rendered) return { problems: [{ field: "spec.provisioner.helm", message: rendered.problem }] };
  const leaks = leaksIn(rendered.objects, secrets, () => "spec.provisioner.helm.values");
  return leaks.length > 0 ? { problems: leaks } : rendered;
}
