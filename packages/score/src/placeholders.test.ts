import { expect, test } from "vitest";
import fc from "fast-check";
import { expand } from "./expand.ts";
import { checkReference, lex, textOf } from "./placeholders.ts";

const scope = { metadata: { name: "app", "a.b": { c: "dotted" } }, outputs: () => undefined };
const expanded = (text: string): string => {
  const result = expand(text, "f", scope);
  return "causes" in result ? `error: ${result.causes[0]?.message}` : result.parts.map((part) => part.text).join("");
};

test.each([
  ["${metadata.name}", "app"],
  ["$${metadata.name}", "${metadata.name}"],
  ["$$${metadata.name}", "$app"],
  ["$$$${metadata.name}", "$${metadata.name}"],
  ["$$", "$"],
  ["$HOME $(X) $ {x}", "$HOME $(X) $ {x}"],
  ["a $ b", "a $ b"],
  ["${metadata.name", "${metadata.name"],
  ["$${metadata.name", "${metadata.name"],
  ["${metadata.a\\.b.c}!", "dotted!"],
  ["", ""],
])("%j becomes %j", (text, wanted) => {
  expect(expanded(text)).toBe(wanted);
});

test("text without a dollar stays, and what was put in is not looked at again", () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes("$")),
      (text) => expanded(text) === text,
    ),
  );
  fc.assert(
    fc.property(fc.string(), (value) => {
      const result = expand("${resources.a.b}", "f", { metadata: {}, outputs: () => ({ value }) });
      return !("causes" in result) && result.parts.map((part) => part.text).join("") === value;
    }),
  );
});

test.each<[unknown, string]>([
  [5432, "5432"],
  [true, "true"],
  [null, "null"],
  [{ b: [1, "<&>"], a: 1 }, '{"a":1,"b":[1,"\\u003c\\u0026\\u003e"]}'],
  ["as it is <b>", "as it is <b>"],
])("%j in a text is %j", (value, text) => {
  expect(textOf(value)).toBe(text);
});

test.each([
  ["${ metadata.name }", /between the braces/],
  ["${}", /between the braces/],
  ["${env.X}", /begins with metadata or resources; write \$\$\{env\.X\} if/],
  ["${X:-y}", /between the braces/],
  ["${metadata}", /say which: \$\{metadata.NAME\}/],
  ["${metadata.nothing}", /metadata has no nothing/],
  ["${resources.db.host}", /there is no resource db; there are cache/],
  ["${resources.cach.host}", /there is no resource cach; did you mean cache\?/],
  ["${cache.host}", /write \$\{resources\.cache\.host\}; a placeholder begins with/],
  ["${resource.cache.host}", /write \$\{resources\.cache\.host\}; a placeholder begins with/],
  ["${Resources.cache.host}", /write \$\{resources\.cache\.host\}; a placeholder begins with/],
  ["${resource.other.host}", /write \$\$\{resource\.other\.host\} if/],
  ["${ resources.cache.host }", /such as \$\{resources\.cache\.host\}; write/],
  ["${externals.cache.host}", /not to the Score format; write \$\{resources\.cache\.host\}$/],
  ["${metadata.nam}", /metadata has no nam; did you mean name\?/],
  ["${pod.name}", /one commercial platform/],
  ["${externals.x.y}", /one commercial platform/],
  ["${resources.a b.c}", /between the braces/],
  ["${metadata.\nname}", /between the braces/],
])("%j is refused, with what to write", (text, message) => {
  const [piece] = lex(text);
  if (piece?.kind !== "reference") throw new Error("no reference");
  expect(checkReference(piece, { field: "f", names: ["cache"], metadata: scope.metadata })).toEqual([
    expect.objectContaining({ field: "f", message: expect.stringMatching(message) as string }),
  ]);
});
