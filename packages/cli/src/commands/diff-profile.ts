import { resourcePath, type KubeClient } from "@threeport/client";
import { PlatformError, type JsonObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { dependency, type Dependency } from "../kinds.ts";
import { locateCauses } from "../manifests/locate-causes.ts";
import { appliedObjects, compare, differsExitCode, printChange, summaryOf } from "./diff.ts";
import { inWordsOf, originInSource, readProfile } from "./render-profile.ts";

/** What each policy means for one that is bound to the profile. */
const takes: Readonly<Record<string, string>> = {
  Automatic: "takes it at once",
  OnDeploy: "takes it when a workload that uses it is deployed anew",
  Never: "takes it by tptctl dependency update",
};

/** Shows what a profile that is being changed would make another of the dependencies that it meets, object by object; changes nothing. */
export async function diffProfile(this: CliContext, flags: { readonly exitCode: boolean }, file: string): Promise<void> {
  const { signal } = this;
  const manifest = await readProfile(this, file);
  const { name } = manifest.value["metadata"] as { name: string };
  await using client = await connect(this);
  const { items } = await client.list<Dependency>(dependency, { signal });
  const bound = items.filter(({ spec }) => spec.profile === name);
  if (bound.length === 0) return note(this, `no dependency is met by profile ${name}: nothing would change`);
  let changes = 0;
  for (const found of bound) {
    const { namespace = "", name: own } = found.metadata;
    const spec = { dependency: own, source: manifest.value["spec"] };
    const origin = originInSource(manifest);
    const {
      policy,
      problems,
      objects = [],
    } = await fetchUpdate(client, { namespace, spec }, signal).catch((error: unknown) => {
      throw inWordsOf(locateCauses(error, origin));
    });
    if (problems !== undefined) {
      say(this, `${namespace}/${own}: would fail: ${problems.map(({ field, message }) => `${field}: ${message}`).join("; ")}`);
      changes++;
      continue;
    }
    const applied = found.status?.resourceSet === undefined ? [] : await appliedObjects(client, { namespace, name: found.status.resourceSet }, signal);
    const compared = compare(applied, objects);
    for (const change of compared) printChange(this, change);
    changes += compared.length;
    say(this, `${namespace}/${own}: ${summaryOf(compared, objects.length)}${compared.length === 0 ? "" : `; it ${takes[policy] ?? ""}`}`);
  }
  if (flags.exitCode && changes > 0) this.process.exitCode = differsExitCode;
}

interface Update {
  readonly policy: string;
  readonly problems?: readonly { readonly field: string; readonly message: string }[];
  readonly objects?: readonly JsonObject[];
}

const renderings = { group: "threeport.io", version: "v1alpha1", resource: "dependencyrenderings", namespaced: true };

async function fetchUpdate(
  client: KubeClient,
  { namespace, spec }: { readonly namespace: string; readonly spec: object },
  signal: AbortSignal,
): Promise<Update> {
  const body = { apiVersion: "threeport.io/v1alpha1", kind: "DependencyRendering", metadata: {}, spec };
  const answer = await client.request(resourcePath(renderings, { namespace }), { method: "POST", query: { fieldValidation: "Strict" }, body, signal });
  const { status } = answer.body as { status?: Update };
  if (status === undefined) throw new PlatformError("TP_INTERNAL", { message: "the control plane gave no answer to what a dependency would become" });
  return status;
}
