import { isErrorCode } from "@threeport/resource";
import type { ApiContext } from "../api.ts";
import { deleteObject } from "../pipeline/delete.ts";
import { listObjects } from "../pipeline/list.ts";
import { concealed, mustConceal } from "./conceal.ts";
import { readDeleteOptions } from "./delete-options.ts";
import { readListOptions } from "./list-options.ts";
import { presentList, presentationOf } from "./present.ts";
import { selectionOf, type ResourceRequest } from "./resource-request.ts";

/** Objects deleted at the same time by one call: enough to fill write groups. */
const parallel = 32;

/** Deletes what a list would show, and answers with that list. Stops at the first that is refused, as upstream. */
export async function deleteCollection(context: ApiContext, request: ResourceRequest): Promise<string> {
  const { route } = request;
  const presentation = presentationOf(request);
  const selection = selectionOf(request);
  const asked = readListOptions(request.query, "list");
  const options = readDeleteOptions(request);
  const listed = await listObjects(context, selection, asked);
  const names = listed.items.map((item) => ({ kind: route.kind, namespace: item.key.namespace, name: item.key.name }));
  for (let start = 0; start < names.length; start += parallel) {
    await Promise.all(
      names.slice(start, start + parallel).map((name) =>
        deleteObject(context, request.caller, name, options).catch((error: unknown) => {
          if (!isErrorCode(error, "TP_NOT_FOUND")) throw error; // gone already: somebody else was faster
        }),
      ),
    );
  }
  const conceal = mustConceal(context, request.caller.user, { kind: route.kind, namespace: route.namespace ?? "", name: "" });
  return presentList(
    context,
    route.kind,
    presentation,
    conceal ? { ...listed, items: listed.items.map((item) => ({ ...item, body: concealed(item.body) })) } : listed,
  );
}
