import type { ReconcileContext } from "@threeport/engine";
import type { StoredObject } from "@threeport/resource";
import { readGenerator } from "./check-profile.ts";
import { ownedBy, secretData } from "./secrets.ts";
import type { Dependency } from "./kinds/dependency.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** The Secret with what was generated for a dependency. */
export const generatedSecretName = (dependency: string): string => `dependency-${dependency}-generated`;

/** Values that are made once: what is there stays, what the profile has more is added. Written down before anybody uses it. */
export async function generatedValues(
  dependency: Dependency,
  wanted: Readonly<Record<string, string>>,
  context: Pick<ReconcileContext, "objects" | "random" | "clock">,
): Promise<Record<string, string>> {
  if (Object.keys(wanted).length === 0) return {};
  const { name, namespace = "" } = dependency.metadata;
  const target = { apiVersion: "v1", kind: "Secret", namespace, name: generatedSecretName(name) };
  const found = await context.objects.get<StoredObject>(target);
  const known = found === undefined ? {} : secretData(found);
  const missing = Object.keys(wanted).filter((key) => known[key] === undefined);
  if (missing.length === 0) return known;
  const made = Object.fromEntries(missing.map((key) => [key, generate(wanted[key] ?? "", context)]));
  const all = { ...known, ...made };
  await context.objects.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: target.name, namespace, ownerReferences: [ownedBy(dependency)] },
    data: Object.fromEntries(Object.entries(all).map(([key, value]) => [key, Buffer.from(value).toString("base64")])),
  });
  return all;
}

function generate(text: string, { random, clock }: Pick<ReconcileContext, "random" | "clock">): string {
  const generator = readGenerator(text);
  if (generator?.kind !== "password") return random.uuid(clock.now());
  let password = "";
  // What would favour the first letters is thrown away.
  const most = 256 - (256 % alphabet.length);
  while (password.length < generator.length)
    for (const byte of random.bytes(generator.length)) if (byte < most && password.length < generator.length) password += alphabet[byte % alphabet.length];
  return password;
}
