import type { Objects } from "@threeport/resource";
import { supportInstanceName, supportServiceInstanceKind, type SupportServiceInstance } from "./kinds/instance.ts";

/** Where the gateway of a runtime is reached from outside the cluster; undefined while there is none. */
export async function gatewayAddress(runtime: string, objects: Objects): Promise<string | undefined> {
  const { apiVersion, kind } = supportServiceInstanceKind;
  const instance = await objects.get<SupportServiceInstance>({ apiVersion, kind, name: supportInstanceName("gateway", runtime) });
  const address = instance?.status?.outputs?.["address"];
  return typeof address === "string" ? address : undefined;
}
