import { isErrorCode } from "@threeport/resource";
import type { Controller } from "../controller.ts";

/** Every namespace that stays has the ServiceAccount `default`, also after somebody removed it. */
export const serviceAccountController: Controller = {
  name: "service-accounts",
  watches: [
    { resource: "namespaces", keys: ({ metadata }) => [metadata.name] },
    { resource: "serviceaccounts", keys: ({ metadata }) => (metadata.name === "default" ? [metadata.namespace ?? ""] : []) },
  ],
  async reconcile({ objects }, { name }) {
    const namespace = await objects.get({ apiVersion: "v1", kind: "Namespace", name });
    if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return undefined;
    const account = { apiVersion: "v1", kind: "ServiceAccount" };
    const metadata = { namespace: name, name: "default" };
    if ((await objects.get({ ...account, ...metadata })) !== undefined) return undefined;
    await objects.create({ ...account, metadata }).catch((error: unknown) => {
      if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error; // somebody else made it
    });
    return undefined;
  },
};
