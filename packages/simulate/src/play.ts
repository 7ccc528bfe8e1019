import type { Point } from "./fates.ts";
import { planOf, watched, type Fault } from "./plans.ts";
import { generatedSecret } from "./plain-random.ts";
import { secretValue } from "./scenarios/manifests.ts";
import type { Scenario, Step } from "./scenarios/story.ts";
import { differences, straysOf, viewOf, type View } from "./view.ts";
import { openWorld, type World } from "./world.ts";

/** How a scenario went. */
export interface Story {
  /** After each step that ends at rest. */
  readonly views: readonly { readonly says: string; readonly view: View }[];
  /** People went on before a step had come to its rest. */
  readonly hurried: boolean;
  /** Points that were met, in order, from the first step on. */
  readonly points: readonly Point[];
  /** Writes that clusters have acted on, `METHOD path status`, in order. */
  readonly clusterWrites: readonly string[];
  /** What carries our mark at rest and is in no inventory. */
  readonly strays: readonly string[];
  /** How often a control plane was started. */
  readonly starts: number;
  /** Where a secret value was found outside of Secrets. */
  readonly leaks: readonly string[];
  /** Lines of the log that only a mistake of ours writes, and promises that failed unheard. */
  readonly mistakes: readonly string[];
}

/**
 * Plays a scenario once, in a world of its own. The same seed and fault give the same story.
 * @throws Error when a step does not come to its end in its time, which is virtual
 */
export async function play(scenario: Scenario, { seed, fault }: { readonly seed: string; readonly fault?: Fault | undefined }): Promise<Story> {
  const unheard: string[] = [];
  using _listening = onUnheard((error) => unheard.push(`a promise failed unheard ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`));
  await using world = await openWorld(seed);
  await scenario.prepare(world);
  const points: Point[] = [];
  const [writesBefore, startsBefore] = [world.clusterWrites.length, world.starts];
  let [hurry, hurried] = [false, false];
  const plan = watched(planOf(fault), (point, fate) => {
    points.push(point);
    hurry ||= fate === "end-hasty" || fate === "freeze-hasty";
  });
  world.follow(plan);
  const views: { says: string; view: View }[] = [];
  const strays: string[] = [];
  for (const step of scenario.steps) {
    await untilDone(world, step);
    const last = step === scenario.steps.at(-1);
    await world.reach(step.says, () => step.reached(world), { troubled: step.troubled, hurried: () => hurry && !last });
    const left = hurry && !last;
    hurried ||= left;
    hurry = false;
    if (step.troubled === true || left) continue;
    views.push({ says: step.says, view: await viewOf(world) });
    strays.push(...(await straysOf(world)).map((stray) => `after "${step.says}": ${stray}`));
  }
  return {
    views,
    hurried,
    points,
    clusterWrites: world.clusterWrites.slice(writesBefore),
    strays,
    starts: world.starts - startsBefore,
    leaks: leaksOf(world, views),
    mistakes: [...world.logged.filter((line) => mistake.test(line)), ...unheard],
  };
}

/** What the API server, the feed and the simulation say when something was thrown that nobody expected. */
const mistake = /^(a request failed|a listener of the change feed failed|a task of the simulation failed|a reflector's state handler threw) /;

/** What ends a server, since Node ends a process whose promise fails unheard. */
function onUnheard(listener: (error: unknown) => void): Disposable {
  process.on("unhandledRejection", listener);
  return { [Symbol.dispose]: () => void process.off("unhandledRejection", listener) };
}

/** As people do, who try again a little later when it is too early. */
async function untilDone(world: World, step: Step): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await step.act(world);
    } catch (error) {
      if (tries === triesMax) throw error;
      await world.pass(tryAgainMs);
    }
  }
}

const triesMax = 60;
const tryAgainMs = 2_000;

function leaksOf(world: World, views: Story["views"]): string[] {
  const forms = [secretValue, generatedSecret].flatMap((value) => [value, Buffer.from(value).toString("base64")]);
  const leaks = (text: string): boolean => forms.some((form) => text.includes(form));
  const inObjects = views.flatMap(({ view }) => [...view].filter(([place, text]) => !place.includes(": Secret ") && leaks(text)).map(([place]) => place));
  return [...inObjects, ...world.logged.filter(leaks).map((line) => `log: ${line.slice(0, 80)}`)];
}

/** What is wrong with a story, held against the undisturbed one: another state, something made twice, something removed that should live, a secret in the open. */
export function judge(calm: Story, story: Story): string[] {
  const wrong: string[] = [];
  // Releases are numbered by what was seen of people's changes: only the end is the same when they do not wait.
  for (const { says, view } of story.hurried ? calm.views.slice(-1) : calm.views) {
    const found = story.views.find((each) => each.says === says)?.view ?? new Map<string, string>();
    wrong.push(...differences(view, found).map((line) => `after "${says}": ${line}`));
  }
  const made = counts(calm.clusterWrites.filter((line) => line.endsWith(" 201")));
  for (const [line, times] of counts(story.clusterWrites.filter((each) => each.endsWith(" 201"))))
    if (times > (made.get(line) ?? 0)) wrong.push(`made ${times} times: ${line}`);
  const removed = new Set(calm.clusterWrites.filter((line) => line.startsWith("DELETE ")));
  for (const line of new Set(story.clusterWrites.filter((each) => each.startsWith("DELETE ")))) if (!removed.has(line)) wrong.push(`removed: ${line}`);
  wrong.push(...story.strays.filter((stray) => !calm.strays.includes(stray)).map((stray) => `orphaned: ${stray}`));
  wrong.push(...story.leaks.map((where) => `a secret value in ${where}`));
  wrong.push(...story.mistakes.slice(0, 2).map((line) => `a mistake: ${line.slice(0, lineMax)}`));
  return wrong;
}

const lineMax = 400;

function counts(lines: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of lines) found.set(line, (found.get(line) ?? 0) + 1);
  return found;
}
