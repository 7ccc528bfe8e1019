export { anywhere, definition, environment, instance } from "./documents.ts";
export {
  conditionOf,
  databaseUrlOf,
  definitions,
  environments,
  instances,
  openTestControlPlane,
  releases,
  resourceSets,
  runtimes,
  type Kind,
  type TestControlPlane,
  type TestControlPlaneOptions,
} from "./test-control-plane.ts";
