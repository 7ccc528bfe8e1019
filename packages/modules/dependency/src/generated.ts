import type { ReconcileContext } from "@threeport/engine";
import { ownerReference } from "@threeport/module-environment";
import { secretData, secretTexts, type StoredObject } from "@threeport/resource";
import { readGenerator } from "./check-profile.ts";
import type { Dependency } from "./kinds/dependency.ts";
import type { DependencyProfile } from "./kinds/profile.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** The Secret with what was generated for a dependency. */
export const generatedSecretName = (dependency: string): string => `dependency-${dependency}-generated`;

/** On that Secret: how often each value had been asked to be made anew when it was made. */
const rotationsAnnotation = "threeport.io/rotations";

export interface Generated {
  readonly values: Readonly<Record<string, string>>;
  /** How often each has been made anew. */
  readonly rotations: Readonly<Record<string, number>>;
  /** Values that are to be made anew, and were not now. */
  readonly pending: readonly string[];
}

export interface GenerateOptions {
  /** False: what is there already stays for now. Asked only when something is to be made anew. */
  readonly mayRotate: () => Promise<boolean>;
}

/**
 * Values that are made once: what is there stays, what the profile has more is added, and what is asked for more often than it was made is made anew.
 * A value and its number are one write, and written down before anybody uses them: an end in between neither loses nor repeats one.
 */
export async function generatedValues(
  dependency: Dependency,
  { generated: wanted = {}, rotatable = [] }: Pick<DependencyProfile["spec"], "generated" | "rotatable">,
  options: GenerateOptions,
  context: Pick<ReconcileContext, "objects" | "random" | "clock">,
): Promise<Generated> {
  if (Object.keys(wanted).length === 0) return { values: {}, rotations: {}, pending: [] };
  const { name, namespace = "" } = dependency.metadata;
  const target = { apiVersion: "v1", kind: "Secret", namespace, name: generatedSecretName(name) };
  const found = await context.objects.get<StoredObject>(target);
  const known = found === undefined ? {} : secretTexts(found);
  const recorded = recordedRotations(found);
  const asked = (key: string): number => (rotatable.includes(key) ? (dependency.spec.rotations?.[key] ?? 0) : 0);
  const missing = Object.keys(wanted).filter((key) => known[key] === undefined);
  const due = Object.keys(wanted).filter((key) => known[key] !== undefined && asked(key) > (recorded[key] ?? 0));
  const rotate = due.length > 0 && (await options.mayRotate());
  const make = [...missing, ...(rotate ? due : [])];
  const rotations = Object.fromEntries(Object.keys(wanted).map((key) => [key, make.includes(key) ? asked(key) : (recorded[key] ?? 0)]));
  const pending = rotate ? [] : due;
  if (make.length === 0) return { values: known, rotations, pending };
  const values = { ...known, ...Object.fromEntries(make.map((key) => [key, generate(wanted[key] ?? "", context)])) };
  await context.objects.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: target.name,
      namespace,
      annotations: { [rotationsAnnotation]: rotationsText(rotations) },
      ownerReferences: [ownerReference(dependency, true)],
    },
    data: secretData(values),
  });
  return { values, rotations, pending };
}

/** `password=2,token=1`: names of values of a Secret hold neither sign. */
function rotationsText(rotations: Readonly<Record<string, number>>): string {
  return Object.entries(rotations)
    .map(([key, count]) => `${key}=${count}`)
    .join(",");
}

/** How often each value in the Secret has been made anew. */
export function recordedRotations(secret: StoredObject | undefined): Readonly<Record<string, number>> {
  const text = secret?.metadata.annotations?.[rotationsAnnotation] ?? "";
  return Object.fromEntries([...text.matchAll(/([^,=]+)=(\d{1,9})/g)].map(([, key = "", count]) => [key, Number(count)]));
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
