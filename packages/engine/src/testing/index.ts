export { gate, until, untilMsMax, type Gate } from "./until.ts";
export { pausableClock, type PausableClock } from "./pausable-clock.ts";
export { houseReconcilers, openTestPlane, type Replica, type ReplicaOptions, type TestPlane, type TestPlaneOptions } from "./test-plane.ts";
