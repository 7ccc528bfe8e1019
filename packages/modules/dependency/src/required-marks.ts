// Outputs of what a profile requires and uses, before anything is made: what is known of them, and marks for the rest.
import { matchProfile, type MatchPlace } from "./match.ts";
import type { DependencyProfile } from "./kinds/profile.ts";

export interface RequiredMarks {
  readonly outputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Those that must stand in Secrets only, by `requires.NAME.OUTPUT`. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface RequiredPlace {
  readonly profiles: readonly DependencyProfile[];
  /** Undefined: any profile of the type and class may meet it. */
  readonly place: MatchPlace | undefined;
  /** What is said of them; wins. */
  readonly given: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Known {
  readonly secret: boolean;
  /** A value that is the same whatever it is made for. */
  readonly constant?: unknown;
}

/** Pure. */
export function requiredMarks(spec: DependencyProfile["spec"], place: RequiredPlace): RequiredMarks {
  const outputs: Record<string, Record<string, unknown>> = {};
  const secrets: Record<string, string> = {};
  for (const [name, wanted] of Object.entries(spec.requires ?? {})) {
    const given = place.given[name] ?? {};
    const known = knownOutputs(meetingProfiles(wanted, place));
    // While nobody meets it, whatever the profile reads may be there.
    const names = known.size > 0 ? [...known.keys()] : namesRead(spec, "requires", name);
    const marks = names.map((output) => [output, known.get(output)?.constant ?? `<requires.${name}.${output}>`] as const);
    const all: Record<string, unknown> = { ...Object.fromEntries(marks), ...given };
    outputs[name] = all;
    for (const [output, { secret }] of known) if (secret) secrets[`requires.${name}.${output}`] = String(all[output]);
  }
  return { outputs, secrets };
}

/** Outputs of the support services: what is said of them, and marks for what the profile reads. Pure. */
export function serviceMarks(
  spec: DependencyProfile["spec"],
  given: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return Object.fromEntries(
    Object.keys(spec.services ?? {}).map((service) => {
      const marks = namesRead(spec, "services", service).map((output) => [output, `<services.${service}.${output}>`]);
      return [service, { ...Object.fromEntries(marks), ...given[service] }];
    }),
  );
}

function meetingProfiles(wanted: { readonly type: string; readonly class: string }, { profiles, place }: RequiredPlace): readonly DependencyProfile[] {
  if (place === undefined) return profiles.filter(({ spec }) => spec.type === wanted.type && spec.class === wanted.class);
  const { chosen } = matchProfile(profiles, wanted, place);
  return chosen === undefined ? [] : [chosen];
}

function knownOutputs(profiles: readonly DependencyProfile[]): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const { spec } of profiles)
    for (const [name, { value, secret, secretRef }] of Object.entries(spec.outputs ?? {})) {
      const hidden = secret === true || secretRef !== undefined || known.get(name)?.secret === true;
      const fixed = !hidden && profiles.length === 1 && value !== undefined && !JSON.stringify(value).includes("${");
      known.set(name, { secret: hidden, ...(fixed ? { constant: value } : {}) });
    }
  return known;
}

/** Outputs of one that expressions of the profile name. */
function namesRead(spec: DependencyProfile["spec"], of: "requires" | "services", one: string): string[] {
  const read = new RegExp(`\\b${of}\\.${one.replaceAll(/[^A-Za-z0-9_]/g, "\\$&")}\\.\\??([A-Za-z_][A-Za-z0-9_]*)`, "g");
  return [...new Set([...JSON.stringify([spec.provisioner, spec.outputs, spec.requires, spec.services]).matchAll(read)].map(([, name = ""]) => name))];
}
