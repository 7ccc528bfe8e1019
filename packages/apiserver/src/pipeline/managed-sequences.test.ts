import fc from "fast-check";
import { expect, test } from "vitest";
import { isJsonObject, type JsonObject } from "@threeport/resource";
import { appliedKinds, writesOf, type AppliedKind, type ManagedWrite } from "../testing/differential/apply-sequences.ts";
import { sendManagedWrite, type Send } from "../testing/differential/send-managed-write.ts";
import { openTestApi } from "../testing/test-api.ts";

const sequences = 15;

test.each(appliedKinds.filter(({ kind }) => ["ConfigMap", "ServiceAccount"].includes(kind)))(
  "whatever several managers do to a $kind: what was applied is there, again changes nothing, and each manager has one entry",
  async (kind) => {
    await using api = await openTestApi();
    const send: Send = async ({ method, path, contentType, body }) => {
      const answer = await api.call(method, path, {
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(contentType === undefined ? {} : { headers: { "content-type": contentType } }),
      });
      return { status: answer.status, body: answer.body };
    };
    let objects = 0;
    await fc.assert(
      fc.asyncProperty(writesOf(kind, 5), async (writes) => {
        const place = { namespace: "default", name: `o${objects++}` };
        for (const write of writes) {
          const told = await sendManagedWrite(send, kind, place, write);
          const status = (told as { status: number }).status;
          expect(status, JSON.stringify(write)).toBeLessThan(500);
          if (status > 299) continue;
          const stored = await read(send, kind, place.name);
          expect(new Set(stored.managers).size, JSON.stringify(stored)).toBe(stored.managers.length);
          if (write.verb === "apply") await checkApplied({ send, kind, place, write }, stored.object);
        }
      }),
      { numRuns: sequences },
    );
  },
);

interface Applied {
  readonly send: Send;
  readonly kind: AppliedKind;
  readonly place: { readonly namespace: string; readonly name: string };
  readonly write: ManagedWrite;
}

async function checkApplied({ send, kind, place, write }: Applied, stored: JsonObject): Promise<void> {
  expect(contains(stored, write.fields), JSON.stringify([stored, write.fields])).toBe(true);
  await sendManagedWrite(send, kind, place, write);
  expect((await read(send, kind, place.name)).object).toEqual(stored);
}

async function read(send: Send, kind: AppliedKind, name: string): Promise<{ object: JsonObject; managers: string[] }> {
  const { body } = await send({ method: "GET", path: `/api/v1/namespaces/default/${kind.plural}/${name}` });
  const object = body as JsonObject;
  const entries = ((object["metadata"] as JsonObject)["managedFields"] ?? []) as JsonObject[];
  return {
    object,
    managers: entries.map(({ operation, manager, apiVersion }) => JSON.stringify([operation, manager, operation === "Apply" ? "" : apiVersion])),
  };
}

/** Whether all that `part` says is in `whole`; elements of lists in any place, and nothing for what is empty. */
function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) return part.every((element) => ((whole ?? []) as unknown[]).some((other) => contains(other, element)));
  if (!isJsonObject(part)) return whole === part;
  return Object.entries(part).every(([key, value]) => contains((whole as JsonObject | undefined)?.[key], value));
}
