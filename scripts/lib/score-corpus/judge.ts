import { toPlatformError } from "../../../packages/resource/src/index.ts";
import { checkScore } from "../../../packages/score/src/index.ts";
import type { Source } from "./sources.ts";
import { documentsOf, renderWithStandIns } from "./stand-ins.ts";

export interface Judged {
  readonly verdict: "valid" | "refused";
  /** Fields that are refused, or have a notice. */
  readonly refused: readonly string[];
  readonly notices: readonly string[];
  /** The first thing that is said. */
  readonly message: string;
}

/** What our parser, checks and renderer say of a text, all documents together. */
export function judge(bytes: Uint8Array, file: string): Judged {
  const said = saidOf(bytes, file);
  const refused = said.filter(({ kind }) => kind === "refused").map(({ field }) => field);
  const first = said.find(({ kind }) => kind === "refused") ?? said[0];
  return {
    verdict: refused.length === 0 ? "valid" : "refused",
    refused,
    notices: said.filter(({ kind }) => kind === "notice").map(({ field }) => field),
    message: first === undefined ? "" : `${first.field}: ${first.message}`,
  };
}

interface Said {
  readonly kind: "refused" | "notice";
  readonly field: string;
  readonly message: string;
}

function saidOf(bytes: Uint8Array, file: string): Said[] {
  try {
    return documentsOf(bytes, file).flatMap((document) => saidOfDocument(document));
  } catch (error) {
    return [{ kind: "refused", field: "yaml", message: toPlatformError(error).message }];
  }
}

function saidOfDocument(document: unknown): Said[] {
  const checked = checkScore(document);
  const notices = checked.notices.map(({ field = "", message }): Said => ({ kind: "notice", field, message }));
  if ("causes" in checked) return [...checked.causes.map(({ field = "", message }): Said => ({ kind: "refused", field, message })), ...notices];
  const rendered = renderWithStandIns(checked.document);
  switch (rendered.kind) {
    case "objects":
      return notices;
    case "invalid":
      return [...rendered.causes.map(({ field = "", message }): Said => ({ kind: "refused", field, message })), ...notices];
    case "waiting":
      return [{ kind: "refused", field: "resources", message: `waits for ${[...rendered.workloads, ...rendered.resources].join(", ")}` }, ...notices];
  }
}

/** How a judgement differs from what the list expects; undefined when it does not. */
export function differenceFrom({ expect, notices = [] }: Source, judged: Judged): string | undefined {
  const wanted = expect === "valid" ? [] : Object.keys(expect);
  const differs = [...differences("refused", wanted, judged.refused), ...differences("noticed", notices, judged.notices)];
  return differs.length === 0 ? undefined : differs.join("; ");
}

function differences(what: string, wanted: readonly string[], found: readonly string[]): string[] {
  const more = found.filter((field) => !wanted.includes(field));
  const less = wanted.filter((field) => !found.includes(field));
  return [
    ...(more.length === 0 ? [] : [`${what}, and not expected: ${[...new Set(more)].join(", ")}`]),
    ...(less.length === 0 ? [] : [`expected to be ${what}: ${less.join(", ")}`]),
  ];
}
