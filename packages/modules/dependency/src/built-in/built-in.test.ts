// Built-in profiles as a real API server takes them, with the outputs that developers' files are written against.
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithKubernetes, namespaceDocument, openDefinition, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { targetOf } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import { isErrorCode, type KubeObject } from "@threeport/resource";
import type { DependencyProfile } from "../kinds/profile.ts";
import { paramsFor, renderObjects, renderOutputs, type ProfileScope } from "../render-profile.ts";
import { builtInProfiles } from "./index.ts";

/** Score rule sheet, the types that developers rely on: names of outputs, and which of them are secret. */
const outputs: Readonly<Record<string, { readonly open: readonly string[]; readonly secret: readonly string[] }>> = {
  amqp: { open: ["host", "port", "username", "vhost"], secret: ["password"] },
  dns: { open: ["host", "url"], secret: [] },
  "azure-blob": { open: ["account_name", "blob_endpoint", "container"], secret: ["account_key", "connection_string"] },
  "dapr-pubsub": { open: ["name"], secret: [] },
  "dapr-state-store": { open: ["name"], secret: [] },
  "dapr-subscription": { open: ["name", "topic"], secret: [] },
  elasticsearch: { open: ["host", "port", "username"], secret: ["password"] },
  "gcp-pubsub-emulator": { open: ["emulator_host", "host", "port", "project_id"], secret: [] },
  "horizontal-pod-autoscaler": { open: [], secret: [] },
  "kafka-instance": { open: ["host", "port"], secret: [] },
  "kafka-topic": { open: ["host", "name", "num_partitions", "port"], secret: [] },
  "llm-model": { open: ["model", "url"], secret: ["api-key", "api_key"] },
  mongodb: { open: ["host", "port", "username"], secret: ["connection", "password"] },
  mssql: { open: ["database", "port", "server", "username"], secret: ["connection", "password"] },
  mysql: { open: ["database", "host", "name", "port", "username"], secret: ["password"] },
  "mysql-instance": { open: ["host", "port", "username"], secret: ["password"] },
  postgres: { open: ["database", "host", "name", "port", "username"], secret: ["password"] },
  "postgres-instance": { open: ["host", "port", "username"], secret: ["password"] },
  redis: { open: ["host", "port", "username"], secret: ["password"] },
  route: { open: [], secret: [] },
  s3: {
    open: ["bucket", "endpoint", "region"],
    secret: ["access_key_id", "aws_access_key_id", "aws_secret_access_key", "aws_secret_key", "secret_key"],
  },
  // Its outputs are what is in the Secret.
  secret: { open: [], secret: [] },
  "s3-instance": { open: ["endpoint", "host", "port", "region"], secret: ["access_key_id", "secret_key"] },
};
/** What cannot be left out. */
const params: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "dapr-subscription": { topic: "orders", pubsub: "web-messages" },
  route: { host: "shop.localhost", path: "/", port: "http" },
};
/** Beside a number, types of values matter: files may compute with it. */
const numbers = ["port", "num_partitions"];
/** What is required, by the name that the profile has for it. */
const required = {
  instance: {
    host: "server.built-in.svc",
    port: 5432,
    endpoint: "http://server.built-in.svc:7070",
    region: "us-east-1",
    username: "root",
    password: "of-the-server",
    access_key_id: "key-of-the-server",
    secret_key: "secret-of-the-server",
  },
  redis: { host: "redis.built-in.svc", port: 6379, username: "default", password: "of-the-redis" },
};
/** No more of Dapr's kinds than a strict API server needs to take the documents. */
const daprKinds = [
  daprKind("Component", "components", "v1alpha1", {
    spec: {
      type: "object",
      required: ["type", "version"],
      properties: {
        type: { type: "string" },
        version: { type: "string" },
        metadata: {
          type: "array",
          items: {
            type: "object",
            required: ["name"],
            properties: {
              name: { type: "string" },
              value: { type: "string" },
              secretKeyRef: { type: "object", properties: { name: { type: "string" }, key: { type: "string" } } },
            },
          },
        },
      },
    },
    auth: { type: "object", properties: { secretStore: { type: "string" } } },
  }),
  daprKind("Subscription", "subscriptions", "v2alpha1", {
    spec: {
      type: "object",
      required: ["pubsubname", "topic", "routes"],
      properties: {
        pubsubname: { type: "string" },
        topic: { type: "string" },
        routes: { type: "object", properties: { default: { type: "string" } } },
      },
    },
    scopes: { type: "array", items: { type: "string" } },
  }),
];

function daprKind(kind: string, plural: string, version: string, properties: object): KubeObject {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.dapr.io` },
    spec: {
      group: "dapr.io",
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: { type: "object", properties } } }],
    },
  };
}

const profiles = builtInProfiles({ apiVersion: "threeport.io/v1alpha1", kind: "DependencyProfile" }) as unknown as readonly DependencyProfile[];

describeWithKubernetes("built-in profiles", () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
    await server.client.create({ apiVersion: "v1", kind: "Namespace" }, namespaceDocument("built-in"));
    // What it takes is looked at where a real gateway runs.
    await server.client.create(
      { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" },
      openDefinition({ group: "gateway.networking.k8s.io", version: "v1", kind: "HTTPRoute" }),
    );
    for (const kind of daprKinds) await server.client.create(targetOf(kind), kind);
    for (const apiVersion of ["dapr.io/v1alpha1", "dapr.io/v2alpha1"])
      await until(`${apiVersion} to be served`, () =>
        server.client.list({ apiVersion, kind: apiVersion.endsWith("v1alpha1") ? "Component" : "Subscription", namespace: "built-in" }),
      );
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test.each(profiles.map((profile) => [profile.metadata.name, profile] as const))("%s is taken by a cluster, and gives what files read", async (_, profile) => {
    const generated = Object.fromEntries(Object.keys(profile.spec.generated ?? {}).map((name) => [name, `generated-value-of-${name}`]));
    const checked = paramsFor(profile.spec, params[profile.spec.type] ?? {});
    if ("causes" in checked) throw new Error(JSON.stringify(checked.causes));
    const scope: ProfileScope = {
      params: checked.params,
      name: "web-thing",
      shortName: "web-thing",
      targetNamespace: "built-in",
      project: "default",
      environment: { name: "dev", tier: "development", variables: {}, baseDomain: "localhost", https: "Required", ports: { http: 8080, https: 8443 } },
      hostLabel: "web-thing-default-dev",
      workload: { name: "web", kind: "Deployment", service: "web", ports: [{ name: "http", port: 80, protocol: "TCP" }] },
      services: { metrics: {}, gateway: { name: "gateway", namespace: "gateways" } },
      runtime: "one",
      need: { type: profile.spec.type, class: "default", id: "web.thing" },
      generated,
      rotations: Object.fromEntries(Object.keys(generated).map((name) => [name, 0])),
      requires: required,
    };
    const secrets = {
      ...Object.fromEntries(Object.entries(generated).map(([name, value]) => [`generated.${name}`, value])),
      ...Object.fromEntries(
        Object.values(required).flatMap((each) =>
          Object.entries(each).flatMap(([name, value]) => (typeof value === "string" && /of-the/.test(value) ? [[name, value]] : [])),
        ),
      ),
    };
    const rendered = renderObjects(profile, scope, secrets);
    if ("problems" in rendered) throw new Error(JSON.stringify(rendered.problems));
    for (const object of rendered.objects) {
      const placed = { ...object, metadata: { ...object.metadata, namespace: "built-in" } };
      // Kinds of definitions are served a moment after these are written.
      await until(`${object.kind} to be served`, () =>
        server.client
          .create(targetOf(placed), placed, { dryRun: true, fieldValidation: "Strict" })
          .catch((error: unknown) => (isErrorCode(error, "TP_KIND_UNKNOWN") ? undefined : Promise.reject(error as Error))),
      );
    }
    const given = renderOutputs(profile, scope, secrets);
    if ("problems" in given) throw new Error(JSON.stringify(given.problems));
    const wanted = outputs[profile.spec.type];
    expect(Object.keys(given.values).toSorted()).toEqual(wanted?.open);
    expect(Object.keys(given.secret).toSorted()).toEqual(wanted?.secret);
    for (const [name, value] of Object.entries(given.values)) expect(typeof value, name).toBe(numbers.includes(name) ? "number" : "string");
  });
});
