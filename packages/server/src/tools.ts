import type { Clock, Exec, Logger, Random } from "@threeport/platform";

/** The outside world as the composition root hands it on (style.md §8). */
export interface Tools {
  readonly clock: Clock;
  readonly random: Random;
  readonly exec: Exec;
  readonly log: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
}
