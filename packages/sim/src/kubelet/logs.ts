// What containers wrote. Of one that runs it follows from its status; of runs that ended the last is kept, until the pod goes.
import { rfc3339 } from "@threeport/platform";
import { fieldsOf, type Fields } from "../controllers/owned.ts";

export interface LogLine {
  readonly atMs: number;
  readonly text: string;
}

export interface ContainerRun {
  /** `namespace/name` */
  readonly pod: string;
  /** A pod of the same name that came later has another one. */
  readonly uid: string;
  readonly container: string;
}

export interface Logs {
  /** The run ended with these lines. */
  end(run: ContainerRun, lines: readonly LogLine[]): void;
  /** Lines of the run that ended last. */
  ended(run: ContainerRun): readonly LogLine[];
  /** Resolves when the run that goes on now ends, or its pod goes. */
  untilEnd(run: ContainerRun): Promise<void>;
  /** The pod of that `namespace/name` is gone. */
  forget(pod: string): void;
}

export function createLogs(): Logs {
  const kept = new Map<string, Map<string, { readonly uid: string; readonly lines: readonly LogLine[] }>>();
  const waiting = new Map<string, { readonly run: ContainerRun; readonly promise: Promise<void>; readonly resolve: () => void }>();
  const idOf = ({ pod, container }: ContainerRun): string => `${pod}/${container}`;

  function wake(id: string): void {
    waiting.get(id)?.resolve();
    waiting.delete(id);
  }

  return {
    end(run, lines) {
      const of = kept.get(run.pod) ?? new Map<string, { readonly uid: string; readonly lines: readonly LogLine[] }>();
      kept.set(run.pod, of.set(run.container, { uid: run.uid, lines }));
      wake(idOf(run));
    },
    ended({ pod, uid, container }) {
      const found = kept.get(pod)?.get(container);
      return found?.uid === uid ? found.lines : [];
    },
    untilEnd(run) {
      const known = waiting.get(idOf(run));
      if (known !== undefined) return known.promise;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(idOf(run), { run, promise, resolve });
      return promise;
    },
    forget(pod) {
      kept.delete(pod);
      for (const [id, { run }] of [...waiting]) if (run.pod === pod) wake(id);
    },
  };
}

/** What a program writes at its start: believable, and no more. */
export function startLines(container: Fields, startedMs: number): readonly LogLine[] {
  const [port] = (container["ports"] as readonly Fields[] | undefined) ?? [];
  const probed = fieldsOf(fieldsOf(container["readinessProbe"])["httpGet"])["port"];
  const listening = port?.["containerPort"] ?? (typeof probed === "number" ? probed : undefined);
  return [
    { atMs: startedMs, text: `starting ${String(container["name"])} (${String(container["image"] ?? "")})` },
    { atMs: startedMs, text: listening === undefined ? "ready" : `listening on port ${String(listening)}` },
  ];
}

export interface LogQuery {
  readonly tailLines: number | undefined;
  readonly timestamps: boolean;
  /** Lines from this time on. */
  readonly fromMs: number | undefined;
}

export function logText(lines: readonly LogLine[], { tailLines, timestamps, fromMs = -Infinity }: LogQuery): string {
  const wanted = lines.filter(({ atMs }) => atMs >= fromMs);
  const shown = tailLines === undefined ? wanted : wanted.slice(Math.max(0, wanted.length - tailLines));
  return shown.map(({ atMs, text }) => `${timestamps ? `${rfc3339(atMs)} ` : ""}${text}\n`).join("");
}
