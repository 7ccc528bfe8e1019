// Words of refusals, beside those of a kube-apiserver.
import type { KubeClient } from "@threeport/client";
import { describeWithKubernetes } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBesideReal, type BesideReal } from "../testing/beside-real.ts";

let beside: BesideReal;
const post = async (client: KubeClient, path: string, body: object): Promise<unknown> => (await client.request(path, { method: "POST", body })).body;
const core = "/api/v1/namespaces";
const pod = (name: string, resources: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "main", image: "example.com/app:1", resources }] },
});

/** Tried again until it is refused for that: the real server hears of quotas and webhooks a moment later. */
async function refused(call: () => Promise<unknown>, saying: string): Promise<never> {
  throw await until(`to be refused, saying ${saying}`, () =>
    call().then(
      () => undefined,
      (error: unknown) => ((error as Error).message.includes(saying) ? (error as Error) : undefined),
    ),
  );
}

/** There is no controller beside the real server: what it would count is said by hand. */
async function makeQuota(client: KubeClient, namespace: string, hard: object, used: object): Promise<void> {
  await post(client, core, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await post(client, `${core}/${namespace}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } }).catch(() => {});
  await post(client, `${core}/${namespace}/resourcequotas`, { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "small" }, spec: { hard } });
  await client.request(`${core}/${namespace}/resourcequotas/small/status`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: { status: { hard, used } },
  });
}

const quotas = [
  { name: "pods", hard: { pods: "1" }, used: { pods: "1" }, resources: {} },
  {
    name: "several at once",
    hard: { "requests.cpu": "1", "limits.memory": "1Gi", pods: "9" },
    used: { "requests.cpu": "900m", "limits.memory": "768Mi", pods: "3" },
    resources: { requests: { cpu: "0.5" }, limits: { memory: "512Mi" } },
  },
  { name: "what is not said", hard: { cpu: "1", "limits.memory": "1Gi" }, used: { cpu: "0", "limits.memory": "0" }, resources: {} },
  { name: "a count", hard: { "count/pods": "0" }, used: { "count/pods": "0" }, resources: {} },
  { name: "what was never counted", hard: { pods: "1", "requests.memory": "1Gi" }, used: { pods: "0" }, resources: { requests: { memory: "1" } } },
];

describeWithKubernetes("refusals of a simulated cluster beside real ones", () => {
  beforeAll(async () => {
    beside = await openBesideReal();
  }, 90_000);
  afterAll(() => beside?.[Symbol.asyncDispose]());

  test.each(quotas)("a quota of $name", async ({ name, hard, used, resources }) => {
    const namespace = `quota-${name.replaceAll(" ", "-")}`;
    const said = await beside.refusal(async (client) => {
      await makeQuota(client, namespace, hard, used);
      return refused(() => post(client, `${core}/${namespace}/pods?dryRun=All`, pod("p", resources)), "quota");
    });
    expect(said).toContain("quota");
  });

  // With a Service that nobody is behind, the words hang on a flag of the real server: without --enable-aggregator-routing it tries to connect.
  test("a webhook without a Service", async () => {
    const configuration = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "policy" },
      webhooks: [
        {
          name: "check.example.com",
          clientConfig: { service: { name: "policy", namespace: "default", path: "/validate" } },
          rules: [{ operations: ["CREATE"], apiGroups: ["scheduling.k8s.io"], apiVersions: ["v1"], resources: ["priorityclasses"] }],
          admissionReviewVersions: ["v1"],
          sideEffects: "None",
        },
      ],
    };
    const configurations = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    const priority = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "p" }, value: 1 };
    const write = (saying: string) => (client: KubeClient) =>
      refused(() => post(client, "/apis/scheduling.k8s.io/v1/priorityclasses?dryRun=All", priority), saying);
    await beside.both((client) => post(client, configurations, configuration));
    expect(await beside.refusal(write('service "policy" not found'))).toContain('failed calling webhook "check.example.com"');
  });
});
