import { systemClock, type Clock } from "@threeport/platform";

/** The clock of a process that can be stopped as a machine that is suspended: its timers come late, all at once, when it goes on. */
export interface PausableClock extends Clock {
  pause(): void;
  resume(): void;
}

export function pausableClock(): PausableClock {
  let paused: PromiseWithResolvers<void> | undefined;
  return {
    ...systemClock,
    async sleep(ms, signal) {
      try {
        await systemClock.sleep(ms, signal);
      } finally {
        await paused?.promise; // being woken needs a running process too
      }
    },
    after(ms, fn) {
      return systemClock.after(ms, () => void (paused === undefined ? fn() : paused.promise.then(fn)));
    },
    pause() {
      paused ??= Promise.withResolvers<void>();
    },
    resume() {
      paused?.resolve();
      paused = undefined;
    },
  };
}
