import type { Clock } from "@threeport/platform";

const lookEveryMs = 250;

/** How late timers of this process fire, in milliseconds: what every request waits beside its own work. */
export function measureLoopLag(clock: Clock): { readonly ms: number } & Disposable {
  let lagMs = 0;
  let timer: Disposable;
  const arm = (): void => {
    const armed = clock.monotonic();
    timer = clock.after(lookEveryMs, () => {
      lagMs = Math.max(0, clock.monotonic() - armed - lookEveryMs);
      arm();
    });
  };
  arm();
  return {
    get ms() {
      return lagMs;
    },
    [Symbol.dispose]: () => timer[Symbol.dispose](),
  };
}
