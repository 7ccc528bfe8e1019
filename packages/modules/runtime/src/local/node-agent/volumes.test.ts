import { expect, test } from "vitest";
import type { Claim, Volume } from "./kinds.ts";
import { planVolumes, provisioner, volumeFinalizer, volumeFor } from "./volumes.ts";

const root = "/var/lib/threeport/volumes";
const asked = { "volume.kubernetes.io/storage-provisioner": provisioner };

function claim(name: string, uid: string, more: { annotations?: object; spec?: object; metadata?: object } = {}): Claim {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: "shop", uid, annotations: more.annotations ?? asked, ...more.metadata },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: "local", resources: { requests: { storage: "1Gi" } }, ...more.spec },
  } as unknown as Claim;
}

function volume(of: Claim, more: { phase?: string; policy?: string; metadata?: object; path?: string } = {}): Volume {
  const path = more.path ?? `${root}/shop/${of.metadata.name}`;
  const made = volumeFor(of, { path, nodeName: "local", reclaimPolicy: more.policy ?? "Delete" }) as Volume;
  return { ...made, metadata: { ...made.metadata, ...more.metadata }, status: { phase: more.phase ?? "Bound" } };
}

const plan = (claims: readonly Claim[], volumes: readonly Volume[]) => {
  const { make, remove, refuse } = planVolumes({ claims, volumes, root });
  return {
    make: make.map(({ claim: { metadata }, folder }) => [metadata.uid, folder]),
    remove: remove.map(({ volume: { metadata }, folder }) => [metadata.name, folder]),
    refuse: refuse.map(({ claim: { metadata }, why }) => [metadata.uid, why]),
  };
};
const nothing = { make: [], remove: [], refuse: [] };
const data = claim("data", "1");

test("a claim that was given to us gets a folder of its name; one that has its volume, waits for a pod, is bound, or is another's, gets none", () => {
  expect(plan([data], [])).toEqual({ ...nothing, make: [["1", "shop/data"]] });
  expect(plan([data], [volume(data)])).toEqual(nothing);
  expect(plan([claim("data", "1", { annotations: {} })], [])).toEqual(nothing);
  expect(plan([claim("data", "1", { spec: { volumeName: "pvc-1" } })], [])).toEqual(nothing);
  expect(plan([claim("data", "1", { annotations: { "volume.kubernetes.io/storage-provisioner": "example.com/other" } })], [])).toEqual(nothing);
  expect(plan([claim("data", "1", { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } })], [])).toEqual(nothing);
});

test("V1: a claim waits until the folder of an earlier one of its name has gone; where that one's data stays, it gets a folder beside it", () => {
  const later = claim("data", "2");
  expect(plan([later], [volume(data, { phase: "Released" })])).toEqual({ ...nothing, remove: [["pvc-1", "shop/data"]] });
  expect(plan([later], [volume(data)])).toEqual(nothing); // not told yet that its claim has gone
  expect(plan([later], [])).toEqual({ ...nothing, make: [["2", "shop/data"]] });
  expect(plan([later], [volume(data, { phase: "Released", policy: "Retain" })])).toEqual({ ...nothing, make: [["2", "shop/data@2"]] });
});

const kept = [
  { name: "in use", because: "a claim has it", given: volume(data) },
  { name: "kept by its policy", because: "Retain means that somebody looks first", given: volume(data, { phase: "Released", policy: "Retain" }) },
  { name: "being deleted while a claim has it", because: "Kubernetes waits as well", given: volume(data, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }) },
  { name: "made by another provisioner", because: "its folder is not ours", given: volume(data, { phase: "Released", metadata: { annotations: { "pv.kubernetes.io/provisioned-by": "example.com/other" } } }) },
]; // prettier-ignore
test.each(kept)("V2: a volume that is $name stays, because $because", ({ given }) => {
  expect(plan([], [given])).toEqual(nothing);
});

test("V2: of a volume that somebody deletes the folder goes only where its policy says so", () => {
  const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [volumeFinalizer] };
  expect(plan([], [volume(data, { phase: "Released", metadata })]).remove).toEqual([["pvc-1", "shop/data"]]);
  expect(plan([], [volume(data, { phase: "Released", policy: "Retain", metadata })]).remove).toEqual([["pvc-1", undefined]]);
  expect(plan([], [volume(data, { phase: "Released", metadata: { ...metadata, finalizers: ["another"] } })]).remove).toEqual([]);
});

test.each(["/etc", `${root}/shop`, `${root}/../../etc`, `${root}/shop/..`, `${root}/shop/a/b`])(
  "a path that is no folder of a volume is never removed: %s",
  (path) => {
    expect(plan([], [volume(data, { phase: "Released", path })]).remove).toEqual([["pvc-1", undefined]]);
  },
);

const refused = [
  { spec: { accessModes: ["ReadWriteMany"] }, why: /ReadWriteMany .* ask for ReadWriteOnce/ },
  { spec: { volumeMode: "Block" }, why: /volumeMode Block/ },
  { spec: { selector: {} }, why: /selector/ },
  { spec: { dataSource: { kind: "VolumeSnapshot", name: "s" } }, why: /dataSource/ },
];
test.each(refused)("a claim that asks for what a folder cannot be is told so: $spec", ({ spec, why }) => {
  const result = plan([claim("data", "1", { spec })], []);
  expect(result).toMatchObject({ make: [], remove: [] });
  expect(result.refuse).toEqual([["1", expect.stringMatching(why)]]);
});
