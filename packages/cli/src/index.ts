export { runTptctl } from "./run.ts";
