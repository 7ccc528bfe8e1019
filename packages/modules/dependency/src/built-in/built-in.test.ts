// Built-in profiles as a real API server takes them, with the outputs that developers' files are written against.
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithKubernetes, namespaceDocument, openDefinition, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { targetOf } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import { isErrorCode } from "@threeport/resource";
import type { DependencyProfile } from "../kinds/profile.ts";
import { paramsFor, renderObjects, renderOutputs, type ProfileScope } from "../render-profile.ts";
import { builtInProfiles } from "./index.ts";

/** Score rule sheet, the types that developers rely on: names of outputs, and which of them are secret. */
const outputs: Readonly<Record<string, { readonly open: readonly string[]; readonly secret: readonly string[] }>> = {
  amqp: { open: ["host", "port", "username", "vhost"], secret: ["password"] },
  dns: { open: ["host", "url"], secret: [] },
  mongodb: { open: ["host", "port", "username"], secret: ["connection", "password"] },
  mysql: { open: ["database", "host", "name", "port", "username"], secret: ["password"] },
  postgres: { open: ["database", "host", "name", "port", "username"], secret: ["password"] },
  // `secret` is for profiles that require it: where the administrator's password stands in the cluster.
  "postgres-instance": { open: ["host", "port", "secret", "username"], secret: ["password"] },
  redis: { open: ["host", "port", "username"], secret: ["password"] },
  route: { open: [], secret: [] },
};
/** Of types that want some. */
const params: Readonly<Record<string, Record<string, unknown>>> = { route: { host: "shop.localhost", path: "/", port: "http" } };
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
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test.each(profiles.map((profile) => [profile.metadata.name, profile] as const))("%s is taken by a cluster, and gives what files read", async (_, profile) => {
    const generated = Object.fromEntries(Object.keys(profile.spec.generated ?? {}).map((name) => [name, `generated-value-of-${name}`]));
    const checked = paramsFor(profile.spec, params[profile.spec.type] ?? {});
    if ("causes" in checked) throw new Error(JSON.stringify(checked.causes));
    const instance = { host: "server.built-in.svc", port: 5432, username: "postgres", password: "of-the-server", secret: "server" };
    const scope: ProfileScope = {
      params: checked.params,
      name: "web-thing",
      targetNamespace: "built-in",
      project: "default",
      environment: { name: "dev", tier: "development", variables: {}, baseDomain: "localhost", https: "Required", ports: { http: 8080, https: 8443 } },
      hostLabel: "web-thing-default-dev",
      workload: { name: "web", service: "web", ports: [{ name: "http", port: 80, protocol: "TCP" }] },
      services: { gateway: { name: "gateway", namespace: "gateways" } },
      runtime: "one",
      need: { type: profile.spec.type, class: "default", id: "web.thing" },
      generated,
      requires: profile.spec.requires === undefined ? {} : { instance },
    };
    const secrets = Object.fromEntries(Object.entries(generated).map(([name, value]) => [`generated.${name}`, value]));
    const rendered = renderObjects(profile, scope, secrets);
    if ("problems" in rendered) throw new Error(rendered.problems.join("\n"));
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
    if ("problems" in given) throw new Error(given.problems.join("\n"));
    const wanted = outputs[profile.spec.type];
    expect(Object.keys(given.values).toSorted()).toEqual(wanted?.open);
    expect(Object.keys(given.secret).toSorted()).toEqual(wanted?.secret);
  });
});
