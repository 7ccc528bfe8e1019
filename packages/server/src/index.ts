export { startControlPlane, productVersion, type ControlPlane, type Tools } from "./control-plane.ts";
export { readConfiguration, type Configuration } from "./configuration.ts";
