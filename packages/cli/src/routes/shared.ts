import { durationMs, freeText, labelText } from "../parse.ts";

// Flags that several commands take, so that they are called and explained alike.

export const namespace = { kind: "parsed", parse: labelText, brief: 'The project, which is a namespace; "default" unless given', optional: true } as const;
export const allNamespaces = { kind: "boolean", brief: "Of all projects", default: false, withNegated: false } as const;
export const output = { kind: "enum", values: ["table", "wide", "json", "yaml", "name"], brief: "How to print", default: "table" } as const;
export const timeout = { kind: "parsed", parse: durationMs, brief: "How long to wait, such as 90s or 5m", optional: true, placeholder: "duration" } as const;
export const wait = { kind: "boolean", brief: "Wait until it is done", default: true } as const;
export const files = {
  kind: "parsed",
  parse: freeText,
  brief: "File, folder or - (standard input); may be given more than once",
  variadic: true,
  placeholder: "file",
} as const;

export const label = { brief: "Name", parse: labelText, placeholder: "name" } as const;
