export { workloadControllers } from "./controllers/index.ts";
export { controllerKey, type Again, type Controller, type ControllerKey, type ControllerWatch } from "./controller.ts";
export type { SimCluster } from "./cluster.ts";
export { startSimulation, type SimulatedCluster, type Simulation, type SimulationOptions } from "./simulation.ts";
export { createSimTime, type SimTime } from "./time.ts";
export { seededRandom } from "./random.ts";
export { builtInKinds } from "./cluster.ts";
