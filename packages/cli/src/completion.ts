import { proposeCompletions, type Application } from "@stricli/core";
import { say, type CliContext } from "./context.ts";

/** Prints what the last word may become, one on a line; a shell that asks must never see an error. */
export async function completeWords(app: Application<CliContext>, words: readonly string[], context: CliContext): Promise<void> {
  try {
    const proposals = await proposeCompletions(app, words.length === 0 ? [""] : words, context);
    for (const { completion } of proposals) say(context, completion);
  } catch {
    // Half a command line may make no sense yet.
  }
}
