import { PlatformError } from "@threeport/resource";
import { say, type CliContext } from "../context.ts";

/** Each asks `tptctl __complete` with the words so far, the last one partial. */
const scripts: Readonly<Record<string, string>> = {
  bash: `_tptctl() {
  local IFS=$'\\n'
  COMPREPLY=($(tptctl __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tptctl tptctl`,
  zsh: `#compdef tptctl
_tptctl() {
  local -a found
  found=("\${(@f)$(tptctl __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- $found; else _files; fi
}
compdef _tptctl tptctl`,
  fish: `complete -c tptctl -a '(tptctl __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
};

export async function completion(this: CliContext, _flags: object, shell: string): Promise<void> {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined)
    throw new PlatformError("TP_USAGE", {
      message: `there is no completion for ${JSON.stringify(shell.slice(0, 20))}`,
      detail: { hint: `there is one for ${Object.keys(scripts).join(", ")}` },
    });
  say(this, script);
}
