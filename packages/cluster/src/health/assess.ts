import type { KubeObject } from "@threeport/resource";
import { readChildren } from "./children.ts";
import { Cursor, WrongShape } from "./cursor.ts";
import { healthy, type Finding } from "./finding.ts";
import { staleGeneration } from "./generation.ts";
import { ruleFor } from "./rules.ts";
import type { Scene } from "./scene.ts";
import { settle } from "./settle.ts";
import { terminating } from "./terminating.ts";
import { nameOf, quote } from "./text.ts";
import { Timeline } from "./timeline.ts";
import type { ObjectId, Subject, Verdict } from "./verdict.ts";

/**
 * How long an object may be Progressing, in ms, unless the caller says otherwise: the default of Kubernetes'
 * `progressDeadlineSeconds`.
 */
export const PROGRESS_DEADLINE_DEFAULT_MS = 600_000;

/** People who know that an object needs no check say so on it; Argo CD's word for it is understood too. */
const ignoreAnnotations = ["threeport.io/ignore-healthcheck", "argocd.argoproj.io/ignore-healthcheck"] as const;

export interface AssessInput {
  /** As the cluster has it; undefined when it is not there. */
  object: KubeObject | undefined;
  id: ObjectId;
  /** Pods, ReplicaSets, Jobs, PVCs, EndpointSlices and the like that are tied to the object by owner references or selector. */
  children?: readonly KubeObject[];
  /** The last verdict about this id, for `since`, deadlines and new generations. */
  previous?: Verdict;
  /** In ms since the epoch. */
  now: number;
  /** Default `PROGRESS_DEADLINE_DEFAULT_MS`, or what the object itself allows where that is longer. */
  progressDeadlineMs?: number;
  /** Ingress classes whose controller never writes an address. */
  ingressClassesWithoutAddress?: readonly string[];
  /** Events are never evidence: they expire, are rate limited and may be lost. */
  events?: never;
}

/**
 * The health of one object: a pure function, the same for the same input. Never throws: what cannot be read is
 * `Unknown`, with the path. Assess again when the object or a child changes, and at `recheckAt`.
 */
export function assess(input: AssessInput): Verdict {
  const time = new Timeline(input.now);
  const finding = find(input, time);
  return settle({
    finding,
    time,
    previous: input.previous,
    subject: subjectOf(input.object),
    limitMs: input.progressDeadlineMs ?? Math.max(PROGRESS_DEADLINE_DEFAULT_MS, ownLimitMs(input.object)),
    id: input.id,
  });
}

function find(input: AssessInput, time: Timeline): Finding {
  if (input.object === undefined) return missing(input.id);
  try {
    return look({
      id: input.id,
      object: new Cursor(input.object),
      children: readChildren(input.children ?? []),
      time,
      options: { ingressClassesWithoutAddress: input.ingressClassesWithoutAddress ?? [] },
    });
  } catch (error) {
    if (error instanceof WrongShape)
      return {
        state: "Unknown",
        reason: "WrongShape",
        message: `The health of ${nameOf(input.id)} cannot be read: ${error.message}. Look at what writes this object.`,
        evidence: error.pointer,
      };
    const text = error instanceof Error ? error.message : String(error);
    return {
      state: "Unknown",
      reason: "RuleFailed",
      message: `The health rule for ${input.id.kind} failed: ${quote(text)}. Please report this as a defect.`,
      evidence: "",
    };
  }
}

function look(scene: Scene): Finding {
  const { object } = scene;
  if (!object.at("metadata").exists) throw new WrongShape("/metadata", "an object", undefined);
  if (object.text("metadata", "deletionTimestamp") !== undefined) return terminating(scene);
  for (const annotation of ignoreAnnotations) {
    const ignored = object.at("metadata", "annotations", annotation);
    if (ignored.value === "true") return healthy("HealthIgnored", `Its health is not checked: the annotation ${annotation} asks for that.`, ignored.pointer);
  }
  return staleGeneration(object) ?? ruleFor(scene.id)(scene);
}

function missing(id: ObjectId): Finding {
  return {
    state: "Missing",
    reason: "NotFound",
    message: `${nameOf(id)} is not in the cluster: it was never applied, or somebody deleted it. Apply it again.`,
    evidence: "",
  };
}

/** Reads without complaint: a wrong shape is reported by `find`. */
function subjectOf(object: KubeObject | undefined): Subject {
  const metadata: unknown = object?.metadata;
  if (typeof metadata !== "object" || metadata === null) return {};
  const { uid, generation } = metadata as { uid?: unknown; generation?: unknown };
  return { ...(typeof uid === "string" ? { uid } : {}), ...(typeof generation === "number" ? { generation } : {}) };
}

/** How long the object's author says that it may take, in ms: what is longer than our default is believed. */
function ownLimitMs(object: KubeObject | undefined): number {
  const spec: unknown = object?.["spec"];
  if (typeof spec !== "object" || spec === null) return 0;
  const { progressDeadlineSeconds, activeDeadlineSeconds } = spec as { progressDeadlineSeconds?: unknown; activeDeadlineSeconds?: unknown };
  const seconds = [progressDeadlineSeconds, activeDeadlineSeconds].filter((value) => typeof value === "number" && value < NO_DEADLINE_SECONDS) as number[];
  return Math.max(0, ...seconds) * 1000;
}

/** Kubernetes writes the greatest 32-bit number for "no deadline"; then ours holds. */
const NO_DEADLINE_SECONDS = 2_147_483_647;
