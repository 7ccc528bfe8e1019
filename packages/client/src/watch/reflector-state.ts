import type { PlatformError } from "@threeport/resource";

/**
 * `connecting`: never listed yet, no failure so far. `synced`: what the handlers were told is what the server has, give or take the time a
 * change travels. `unreachable`: what the handlers know is from before `since`.
 */
export interface ReflectorState {
  readonly phase: "connecting" | "synced" | "unreachable";
  /** Wall clock, milliseconds, of the change into this phase. */
  readonly since: number;
  /** Why the last try failed; kept while unreachable. */
  readonly lastError?: PlatformError;
}
