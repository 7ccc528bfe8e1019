import { buildCommand, type Command, type CommandFunction, type TypedCommandParameters } from "@stricli/core";
import type { CliContext } from "../context.ts";

type FlagsOf<Flags> = Readonly<Partial<Record<keyof Flags, unknown>>>;

export interface CommandSpec<Flags extends FlagsOf<Flags>, Args extends readonly unknown[]> {
  /** Loads the command's own module: only when it runs, so that `--help` does not pay for clients and YAML. */
  readonly run: () => Promise<(this: CliContext, flags: Flags, ...args: Args) => Promise<void>>;
  readonly parameters: NoInfer<TypedCommandParameters<Flags, Args, CliContext>>;
  readonly brief: string;
  readonly description?: string;
}

/** A command whose failures become an error on standard error and the exit code of their class. */
export function command<const Flags extends FlagsOf<Flags>, const Args extends readonly unknown[]>(spec: CommandSpec<Flags, Args>): Command<CliContext> {
  const loader = async (): Promise<CommandFunction<Flags, Args, CliContext>> => {
    const run = await spec.run();
    return async function (this: CliContext, flags: Flags, ...args: Args): Promise<void> {
      try {
        await run.call(this, flags, ...args);
      } catch (thrown) {
        const { reportError } = await import("../output/report-error.ts");
        this.process.exitCode = reportError(this, thrown);
      }
    };
  };
  const { parameters, brief, description } = spec;
  return buildCommand<Flags, Args, CliContext>({ loader, parameters, docs: { brief, ...(description === undefined ? {} : { fullDescription: description }) } });
}
