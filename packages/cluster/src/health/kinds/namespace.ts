import { healthy, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { terminating } from "../terminating.ts";

/** A Namespace lives or goes; one that goes names what it waits for. */
export function namespace(scene: Scene): Finding {
  if (scene.object.text("status", "phase") === "Terminating") return terminating(scene);
  return healthy("Active", "It is active.", "/status/phase");
}
