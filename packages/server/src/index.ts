export { startControlPlane, productVersion, type ControlPlane } from "./control-plane.ts";
export type { Tools } from "./tools.ts";
export { readConfiguration, type Configuration } from "./configuration.ts";
export { openCore, type Core, type CoreOptions } from "./core.ts";
