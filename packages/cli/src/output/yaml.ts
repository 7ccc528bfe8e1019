import { stringify } from "yaml";

/** YAML for people and pipes; long lines are not folded, so that a value stays on its line. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
