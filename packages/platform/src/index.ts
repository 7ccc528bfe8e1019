export { type Clock, systemClock, rfc3339, rfc3339Micro } from "./clock.ts";
export { type Random, systemRandom, uuidV7 } from "./random.ts";
export { type BackoffPolicy, backoffMs } from "./backoff.ts";
export { type Logger, silentLogger } from "./log.ts";
export { type Exec, type RunOptions, type RunResult, type RunningProcess, type StartOptions, systemExec } from "./exec.ts";
