// A Secret of the project as a dependency. Its values are not copied: who uses it reads the Secret itself, and only the one that its own claim names.
import type { ReconcileContext } from "@threeport/engine";
import type { StoredObject } from "@threeport/resource";
import type { Dependency } from "./kinds/dependency.ts";
import { secretNameOf, secretType } from "./project-secret.ts";
import type { Judged } from "./reconcile-dependency.ts";
import { textKeys } from "./secrets.ts";

const nameForm = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

export async function projectSecret(dependency: Dependency, context: ReconcileContext): Promise<Judged> {
  const { namespace = "" } = dependency.metadata;
  const stalled = (reason: string, message: string): Judged => ({ verdict: { state: "stalled", reason, message } });
  if (dependency.spec.type !== secretType) return stalled("ProfileFailed", `provisioner.secret meets the type ${secretType} only`);
  const name = secretNameOf(dependency.spec);
  if (!nameForm.test(name))
    return stalled("ParamsInvalid", `params.name: ${JSON.stringify(name)} can be no name of a Secret: write small letters, digits, - and .`);
  const read = () => context.objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace, name });
  const before = await read();
  const leaving = before?.metadata.deletionTimestamp !== undefined;
  // Who is woken is written before what counts is read, or a change in between would be missed. What is being deleted cannot be referred to (K6).
  const listening = dependency.status?.sourceSecret === name || leaving ? dependency : await listen(dependency, name, context);
  const found = listening === dependency ? before : await read();
  const heard = { dependency: listening, ...(listening.status?.sourceSecret === name ? { sourceSecret: name } : {}) };
  if (found === undefined || leaving) return { ...heard, ...stalled("SecretMissing", missing(namespace, name, leaving)) };
  const { text, other } = textKeys(found);
  const left = other.length === 0 ? "" : `; not read, since they are no text: ${other.join(", ")}`;
  return {
    ...heard,
    verdict: { state: "ready", reason: "Provided", message: `is Secret ${name}${left}` },
    outputs: { values: {}, secret: { name, keys: text, secretVersion: found.metadata.resourceVersion ?? "" } },
  };
}

async function listen(dependency: Dependency, name: string, context: ReconcileContext): Promise<Dependency> {
  return context.objects.patchStatus<Dependency>({ ...dependency, status: { ...(dependency.status ?? { conditions: [] }), sourceSecret: name } });
}

function missing(namespace: string, name: string, leaving: boolean): string {
  return `${leaving ? `Secret ${name} in namespace ${namespace} is being deleted` : `there is no Secret ${name} in namespace ${namespace}`}; make it: kubectl --context threeport create secret generic ${name} --namespace ${namespace} --from-literal=KEY=VALUE`;
}
