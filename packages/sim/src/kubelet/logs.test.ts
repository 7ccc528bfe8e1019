import { createClient, type KubeClient, type LogOptions } from "@threeport/client";
import type { KubeObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { deployment, openScene, workload, type Scene } from "../testing/scene.ts";

async function withScene(work: (scene: Scene, client: KubeClient) => Promise<void>): Promise<void> {
  await using scene = await openScene();
  await using client = createClient({ server: scene.cluster.server, caData: scene.simulation.caPem, token: scene.cluster.token });
  await work(scene, client);
}

const pod = (name: string, container: object = {}): KubeObject =>
  workload("Pod", name, { containers: [{ name: "main", image: "example.com/app:1", ...container }] });
const path = "/api/v1/namespaces/default/pods";
const at = "2026-01-01T00:00:01Z";

async function text(client: KubeClient, name: string, options: LogOptions = {}): Promise<string> {
  let whole = "";
  for await (const piece of client.logs({ namespace: "default", name }, options)) whole += piece;
  return whole;
}

test("a container that runs has written a short start", () =>
  withScene(async (scene, client) => {
    await scene.create(pod("web", { ports: [{ containerPort: 8080 }] }));
    await scene.seconds(3);
    expect(await text(client, "web")).toBe("starting main (example.com/app:1)\nlistening on port 8080\n");
    expect(await text(client, "web", { tailLines: 1, timestamps: true })).toMatch(new RegExp(`^${at.slice(0, 17)}\\d\\dZ listening on port 8080\\n$`));
    expect(await text(client, "web", { container: "main", sinceSeconds: 0 })).toBe("");
  }));

test("what a crashed container wrote is its log while it waits, and its previous one when it runs again", () =>
  withScene(async (scene, client) => {
    const fault = scene.simulation.faults.add({ kind: "crash", log: ["cannot open /data", "giving up"] });
    await scene.create(pod("web"));
    await scene.seconds(6);
    const crashed = "starting main (example.com/app:1)\nready\ncannot open /data\ngiving up\n";
    expect(await text(client, "web")).toBe(crashed);
    expect(await text(client, "web", { previous: true, tailLines: 2 })).toBe("cannot open /data\ngiving up\n");
    fault[Symbol.dispose]();
    await scene.seconds(20);
    expect(await text(client, "web")).toBe("starting main (example.com/app:1)\nready\n");
    expect(await text(client, "web", { previous: true })).toBe(crashed);
  }));

test("who follows a log hears the end of the run, and then the stream ends; also when the pod goes", () =>
  withScene(async (scene, client) => {
    await scene.create(pod("web"));
    await scene.create(pod("going"));
    await scene.seconds(3);
    const following = text(client, "web", { follow: true });
    const leaving = text(client, "going", { follow: true });
    await text(client, "web"); // by now the others are heard
    scene.simulation.faults.add({ kind: "crash", pod: /web/, log: ["over"] });
    await scene.cluster.objects.delete({ apiVersion: "v1", kind: "Pod", namespace: "default", name: "going" });
    await scene.seconds(5);
    expect(await following).toBe("starting main (example.com/app:1)\nready\nover\n");
    expect(await leaving).toBe("starting main (example.com/app:1)\nready\n");
  }));

const refusals = [
  { name: "missing", options: {}, says: 'pods "missing" not found' },
  { name: "web", options: { container: "other" }, says: "container other is not valid for pod web" },
  { name: "web", options: { previous: true }, says: 'previous terminated container "main" in pod "web" not found' },
  { name: "two", options: {}, says: "a container name must be specified for pod two, choose one of: [a b]" },
  { name: "unpulled", options: {}, says: 'container "main" in pod "unpulled" is waiting to start: trying and failing to pull image' },
];
for (const { name, options, says } of refusals) {
  test(`a log that is not there is refused: ${says}`, () =>
    withScene(async (scene, client) => {
      await scene.create(pod("web"));
      await scene.create(pod("unpulled", { image: "example.com/app:not-there" }));
      await scene.create(workload("Pod", "two", { containers: ["a", "b"].map((each) => ({ name: each, image: "example.com/app:1" })) }));
      await scene.seconds(3);
      await expect(text(client, name, options)).rejects.toMatchObject({ message: expect.stringContaining(says) as string });
    }));
}

test("exec, attach and port-forward are refused in words, whichever way they are asked for", () =>
  withScene(async (scene, client) => {
    await scene.create(pod("web"));
    await scene.seconds(3);
    for (const [subresource, says] of [
      ["exec", "exec is not possible: containers of a simulated cluster do not run"],
      ["portforward", "port-forward is not possible"],
      ["attach", "attach is not possible"],
    ] as const)
      for (const method of ["GET", "POST"] as const)
        await expect(client.request(`${path}/web/${subresource}?command=ls`, { method })).rejects.toMatchObject({
          message: expect.stringContaining(says) as string,
        });
  }));

test("pods of controllers tell what their names begin with, and anybody may have a name made up", () =>
  withScene(async (scene, client) => {
    await scene.create(deployment("web", { replicas: 1 }));
    await scene.seconds(3);
    const [made] = await scene.pods();
    expect(made?.metadata.generateName).toMatch(/^web-[0-9a-f]{10}-$/);
    expect(made?.metadata.name.startsWith(made.metadata.generateName ?? "?")).toBe(true);
    const { name: _, ...metadata } = pod("x").metadata;
    const answered = await client.request(path, { method: "POST", body: { ...pod("x"), metadata: { ...metadata, generateName: "job-" } } });
    expect(answered.body).toMatchObject({ metadata: { generateName: "job-", name: expect.stringMatching(/^job-[a-z0-9]{5}$/) as string } });
  }));
