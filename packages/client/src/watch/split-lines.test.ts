import fc from "fast-check";
import { expect, test } from "vitest";
import { isErrorCode } from "@threeport/resource";
import { splitLines } from "./split-lines.ts";

async function split(chunks: readonly Uint8Array[], lineBytesMax = 1_000): Promise<{ lines: string[]; rest: string | undefined }> {
  async function* stream() {
    yield* chunks;
  }
  let rest: string | undefined;
  const onRest = (text: string) => {
    rest = text;
    return undefined;
  };
  return { lines: await Array.fromAsync(splitLines(stream(), { lineBytesMax, onRest })), rest };
}

test("any cut of the bytes into chunks gives the same lines", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.string({ unit: "grapheme" }).filter((line) => !line.includes("\n")),
        { maxLength: 6 },
      ),
      fc.array(fc.nat({ max: 60 }), { maxLength: 12 }),
      async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const chunks: Uint8Array[] = [];
        let start = 0;
        for (const size of cuts) {
          chunks.push(bytes.subarray(start, start + size));
          start = Math.min(bytes.length, start + size);
        }
        chunks.push(bytes.subarray(start));
        expect(await split(chunks)).toEqual({ lines, rest: undefined });
      },
    ),
  );
});

test("what stands behind the last line end is told apart from lines", async () => {
  expect(await split([Buffer.from("a\nb\nhal"), Buffer.from("f")])).toEqual({ lines: ["a", "b"], rest: "half" });
});

test.each([
  { name: "in one chunk", chunks: ["x".repeat(11) + "\n"] },
  { name: "in many chunks", chunks: ["xxxx", "xxxx", "xxxx"] },
])("a line that is too long ends the stream, $name", async ({ chunks }) => {
  const error = await split(
    chunks.map((chunk) => Buffer.from(chunk)),
    10,
  ).catch((thrown: unknown) => thrown);
  expect(isErrorCode(error, "TP_RUNTIME_ANSWER_INVALID")).toBe(true);
});

test("a line of exactly the limit is accepted", async () => {
  expect((await split([Buffer.from("x".repeat(10) + "\n")], 10)).lines).toHaveLength(1);
});
