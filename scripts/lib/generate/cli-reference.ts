import { type Application, type CommandContext, generateHelpTextForAllCommands } from "@stricli/core";
import { app } from "../../../packages/cli/src/app.ts";

/** Every command of `tptctl` with its help, as Markdown. */
export function cliReference(): string {
  const commands = generateHelpTextForAllCommands(app as unknown as Application<CommandContext>); // help needs no context of ours
  return commands.map(([command, help]) => `### ${command}\n\n\`\`\`text\n${withoutCommonFlags(help)}\n\`\`\`\n`).join("\n");
}

/** Lines that stand in the help of every command say nothing about one of them. */
function withoutCommonFlags(help: string): string {
  const lines = help
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => !/^ {2}tptctl .*--help$|^\s+-h\s+--help\s|^\s+--\s+All subsequent inputs/.test(line));
  return lines
    .join("\n")
    .replace(/\n\nFLAGS(?=\n\n|\n*$)/, "")
    .trim();
}
