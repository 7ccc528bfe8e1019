import { PlatformError } from "../errors.ts";

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** TP_YAML_INVALID with the place in front of the sentence, in the form that editors and terminals make a link of: `app.yaml:3:5: …`. */
export function yamlError(message: string, position: Position | undefined, file: string | undefined): PlatformError {
  const place = position === undefined ? file : `${file === undefined ? "" : `${file}:`}${position.line}:${position.column}`;
  return new PlatformError("TP_YAML_INVALID", {
    message: place === undefined ? message : `${place}: ${message}`,
    detail: { ...(file === undefined ? {} : { file }), ...position },
  });
}
