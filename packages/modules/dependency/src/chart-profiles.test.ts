// Profiles that are met by a chart, over a simulated cluster.
import { afterAll, beforeAll, expect, test } from "vitest";
import { isErrorCode, type KubeObject, type PlatformError } from "@threeport/resource";
import { describeWithHelm, packChart } from "@threeport/module-helm/testing";
import { instances } from "@threeport/server/testing";
import { dependencies, fresh, openWorld, type World } from "./testing/world.ts";

const template = `apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}-auth"}
stringData: {password: "{{ .Values.auth.password }}"}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}-kv"}
spec: {selector: {app: "{{ .Release.Name }}"}, ports: [{port: {{ .Values.port }}}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: "{{ .Release.Name }}-kv"}
spec:
  serviceName: "{{ .Release.Name }}-kv"
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec:
      containers:
      - name: kv
        image: example.com/kv:1
        args: {{ toJson .Values.args }}
        env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: "{{ .Release.Name }}-auth", key: password}}}]
`;

describeWithHelm("profiles of charts", () => {
  let world: World;
  let archive: string;
  beforeAll(async () => {
    world = await openWorld();
    archive = (await packChart("kv", { "values.yaml": "port: 6379\nargs: []\nauth: {password: none}\n", "templates/all.yaml": template })).toString("base64");
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const profileOf = (type: string, values: object, outputs: object = {}, chart: object = { archive }): KubeObject =>
    ({
      apiVersion: "threeport.io/v1alpha1",
      kind: "DependencyProfile",
      metadata: { name: type },
      spec: {
        type,
        params: { properties: { port: { type: "integer", default: 7000 } } },
        generated: { password: "password(24)" },
        rotatable: ["password"],
        provisioner: { helm: { chart, values } },
        outputs: {
          host: { value: "${name}-kv.${targetNamespace}.svc" },
          port: { value: "${params.port}" },
          password: { value: "${generated.password}", secret: true },
          ...outputs,
        },
      },
    }) as KubeObject;
  const values = { port: "${params.port}", auth: { password: "${generated.password}" } };

  test("a chart meets a need: params and generated values reach it, outputs come from the profile", { timeout: 60_000 }, async () => {
    const [env, app] = [await world.place(), fresh("app")];
    await world.plane.create(profileOf("kv", values));
    await world.deploy(app, env, {
      resources: { store: { type: "kv", params: { port: 7001 } } },
      variables: { AT: "${resources.store.host}:${resources.store.port}", PASSWORD: "${resources.store.password}" },
    });
    await world.plane.ready(instances, app);
    const seen = await world.variables(env, app);
    const [, release = ""] = new RegExp(`^(${app}-store-kv(?:-[0-9a-f]+)?)-kv\\.default-${env}\\.svc:7001$`).exec(seen["AT"] ?? "") ?? [];
    const secret = await world.live("v1", "Secret", { namespace: `default-${env}`, name: `${release}-auth` });
    expect(Buffer.from(secret?.data?.["password"] ?? "", "base64").toString()).toBe(seen["PASSWORD"]);
    expect(await world.live("apps/v1", "StatefulSet", { namespace: `default-${env}`, name: `${release}-kv` })).toBeDefined();
    expect(seen["PASSWORD"]).toMatch(/^[A-Za-z0-9]{24}$/);
    await world.remove(app);
    await world.plane.gone(dependencies, `${env}.kv.${app}.store`);
    expect(await world.live("apps/v1", "StatefulSet", { namespace: `default-${env}`, name: `${release}-kv` })).toBeUndefined();
  });

  test("what is wrong is told: at the profile, or where it is used", { timeout: 60_000 }, async () => {
    const causes = await world.plane
      .create(profileOf("bad", { a: "${params.}" }, {}, { repository: "https://charts.example.com", name: "kv", version: "1.0.0" }))
      .then(
        () => [],
        (error: unknown) =>
          isErrorCode(error, "TP_INVALID") ? (error as PlatformError).causes.map(({ field = "", message }) => `${field}: ${message}`) : [String(error)],
      );
    expect(causes).toEqual([
      "spec.provisioner.helm.chart.sha256: Required value: the SHA-256 of the packaged chart, as `helm pull` and sha256sum tell it",
      expect.stringMatching(/^spec\.provisioner\.helm\.values\.a: Invalid value: /) as string,
    ]);
    const [env, leaking, failing] = [await world.place(), fresh("leak"), fresh("fail")];
    await world.plane.create(profileOf("leaking", { args: ["--password=${generated.password}"] }));
    await world.plane.create(profileOf("failing", { port: "{{" }));
    for (const [app, type] of [
      [leaking, "leaking"],
      [failing, "failing"],
    ] as const)
      // prettier-ignore
      await world.deploy(app, env, { resources: { store: { type } }, variables: { A: "${resources.store.host}" } });
    expect((await world.plane.reason(dependencies, `${env}.leaking.${leaking}.store`, "ProfileFailed")).message).toMatch(
      /^DependencyProfile leaking: spec\.provisioner\.helm\.values.*: StatefulSet .* holds generated\.password, which is secret/,
    );
    expect((await world.plane.reason(dependencies, `${env}.failing.${failing}.store`, "ProfileFailed")).message).toMatch(
      /^DependencyProfile failing: spec\.provisioner\.helm: the chart in the definition: /,
    );
  });
});
