import { fromStatus, PlatformError } from "@threeport/resource";
import { expect, test } from "vitest";
import { explainApplyError } from "./apply-error.ts";

const id = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" };

/** The error that our client makes of a Kubernetes answer. */
function answer(code: number, reason: string, message: string, causes: { field?: string; reason?: string; message: string }[] = []): PlatformError {
  return fromStatus(
    {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      reason,
      code,
      details: { name: "web", group: "apps", kind: "deployments", causes },
    },
    code,
  );
}

const cases = [
  {
    because: "a quota is used up",
    error: answer(
      403,
      "Forbidden",
      'pods "web" is forbidden: exceeded quota: small, requested: limits.cpu=2,pods=1, used: limits.cpu=1,pods=9, limited: limits.cpu=2,pods=10',
    ),
    reason: "QuotaExceeded",
    says: ['quota "small"', "limits.cpu=2,pods=1", "Raise the quota"],
  },
  {
    because: "a quota wants limits",
    error: answer(403, "Forbidden", 'pods "web" is forbidden: failed quota: small: must specify limits.cpu for: app; limits.memory for: app'),
    reason: "QuotaRequiresResources",
    says: ["limits.cpu", "LimitRange"],
  },
  {
    because: "a limit range is broken",
    error: answer(
      403,
      "Forbidden",
      'pods "web" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
    ),
    reason: "LimitRangeViolated",
    says: ["maximum cpu usage per Container is 1, but limit is 2"],
  },
  {
    because: "Pod Security",
    error: answer(
      403,
      "Forbidden",
      'pods "web" is forbidden: violates PodSecurity "baseline:latest": privileged (container "app" must not set securityContext.privileged=true)',
    ),
    reason: "PodSecurityViolated",
    says: ["baseline:latest", "privileged"],
  },
  {
    because: "a webhook says no",
    error: answer(403, "Forbidden", 'admission webhook "policy.example.com" denied the request: image must come from registry.example'),
    reason: "AdmissionDenied",
    says: ["policy.example.com", "image must come from registry.example"],
  },
  {
    because: "a policy says no",
    error: answer(
      422,
      "Invalid",
      "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'max-replicas' with binding 'all' denied request: replicas must be no more than 5",
    ),
    reason: "AdmissionDenied",
    says: ["max-replicas", "no more than 5"],
  },
  {
    because: "a webhook is slow",
    error: answer(
      500,
      "InternalError",
      'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https://hook.tools.svc:443/validate?timeout=10s": context deadline exceeded',
    ),
    reason: "AdmissionWebhookTimeout",
    says: ["did not answer in time", "tools/hook"],
  },
  {
    because: "a webhook has no pods",
    error: answer(
      500,
      "InternalError",
      'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https://hook.tools.svc:443/validate": no endpoints available for service "hook"',
    ),
    reason: "AdmissionWebhookUnreachable",
    says: ["cannot be reached", "tools/hook"],
  },
  {
    because: "a webhook's certificate is bad",
    error: answer(
      500,
      "InternalError",
      'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: Post "https://hook.tools.svc:443/v": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ),
    reason: "AdmissionWebhookUnreachable",
    says: ["caBundle"],
  },
  {
    because: "a conversion webhook is down",
    error: answer(
      500,
      "InternalError",
      'conversion webhook for example.com/v1, Kind=Widget failed: Post "https://conv.tools.svc:443/": dial tcp 10.0.0.1:443: connect: connection refused',
    ),
    reason: "ConversionWebhookUnreachable",
    says: ["example.com/v1, Kind=Widget"],
  },
  {
    because: "RBAC",
    error: answer(
      403,
      "Forbidden",
      'deployments.apps "web" is forbidden: User "system:serviceaccount:shop:deployer" cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
    ),
    reason: "Forbidden",
    says: ["system:serviceaccount:shop:deployer", "may not patch deployments.apps", "in namespace shop", "RoleBinding"],
  },
  {
    because: "the namespace is going",
    error: answer(403, "Forbidden", 'deployments.apps "web" is forbidden: unable to create new content in namespace shop because it is being terminated', [
      { reason: "NamespaceTerminating", message: "namespace shop is being terminated", field: "metadata.namespace" },
    ]),
    reason: "NamespaceTerminating",
    says: ["namespace shop is being deleted"],
  },
  {
    because: "the namespace is not there",
    error: answer(404, "NotFound", 'namespaces "shop" not found'),
    reason: "NamespaceMissing",
    says: ['namespace "shop" does not exist'],
  },
  {
    because: "an immutable field",
    error: answer(422, "Invalid", 'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable', [
      { field: "spec.selector", reason: "FieldValueInvalid", message: 'Invalid value: {"matchLabels":{"app":"b"}}: field is immutable' },
    ]),
    reason: "ImmutableField",
    says: ["spec.selector cannot change"],
  },
  {
    because: "a StatefulSet's fixed fields",
    error: answer(
      422,
      "Invalid",
      "StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template' are forbidden",
      [
        {
          field: "spec",
          reason: "FieldValueForbidden",
          message: "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template' are forbidden",
        },
      ],
    ),
    reason: "ImmutableField",
    says: ["spec cannot change"],
  },
  {
    because: "a value is wrong",
    error: answer(422, "Invalid", 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0', [
      { field: "spec.replicas", reason: "FieldValueInvalid", message: "Invalid value: -1: must be greater than or equal to 0" },
    ]),
    reason: "SchemaInvalid",
    says: ["spec.replicas: Invalid value: -1"],
  },
  {
    because: "a field that is none",
    error: answer(400, "BadRequest", 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica"'),
    reason: "SchemaInvalid",
    says: ["spec.replica is not a field"],
  },
  {
    because: "server-side apply does not know the field",
    error: answer(500, "", "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema"),
    reason: "SchemaInvalid",
    says: [".spec.replica is not a field"],
  },
  {
    because: "server-side apply finds a wrong type",
    error: answer(
      500,
      "",
      "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string",
    ),
    reason: "SchemaInvalid",
    says: ["not valid: .spec.replicas: expected numeric (int or float), got string"],
  },
  {
    because: "a wrong type",
    error: answer(
      400,
      "BadRequest",
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ),
    reason: "SchemaInvalid",
    says: ["spec.replicas must be int32, not string"],
  },
  {
    because: "the CRD is missing",
    error: answer(404, "NotFound", "the server could not find the requested resource"),
    reason: "UnknownKind",
    says: ["does not serve Deployment in apps/v1", "CustomResourceDefinition"],
  },
  {
    because: "another manager holds a field",
    error: answer(409, "Conflict", 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas', [
      { reason: "FieldManagerConflict", message: 'conflict with "kubectl-client-side-apply" using apps/v1', field: ".spec.replicas" },
    ]),
    reason: "FieldManagerConflict",
    says: ['"kubectl-client-side-apply" manages .spec.replicas'],
  },
  {
    because: "two managers hold fields",
    error: answer(409, "Conflict", "Apply failed with 2 conflicts: …", [
      { reason: "FieldManagerConflict", message: 'conflict with "hpa" with subresource "scale" using apps/v1', field: ".spec.replicas" },
      { reason: "FieldManagerConflict", message: 'conflict with "argocd" using apps/v1 at 2026-01-01T00:00:00Z', field: ".spec.paused" },
    ]),
    reason: "FieldManagerConflict",
    says: ['"hpa", "argocd"', ".spec.replicas, .spec.paused"],
  },
  {
    because: "managers stand in the message only",
    error: answer(
      409,
      "Conflict",
      'Apply failed with 2 conflicts: conflicts with "helm":\n- .spec.replicas\n- .spec.template.spec.containers[name="app"].image',
    ),
    reason: "FieldManagerConflict",
    says: ['"helm" manages .spec.replicas'],
  },
  {
    because: "it changed meanwhile",
    error: answer(
      409,
      "Conflict",
      'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your changes to the latest version and try again',
    ),
    reason: "Conflict",
    says: ["tried again"],
  },
  {
    because: "its namesake is being deleted",
    error: answer(409, "AlreadyExists", 'object is being deleted: deployments.apps "web" already exists'),
    reason: "BeingDeleted",
    says: ["is being deleted"],
  },
  {
    because: "it was replaced",
    error: answer(
      409,
      "Conflict",
      'Operation cannot be fulfilled on deployments.apps "web": Precondition failed: UID in precondition: a, UID in object meta: b',
    ),
    reason: "Replaced",
    says: ["made another of the same name"],
  },
  { because: "too large for etcd", error: answer(413, "RequestEntityTooLarge", "etcdserver: request is too large"), reason: "TooLarge", says: ["Split it"] },
  {
    because: "annotations are too long",
    error: answer(422, "Invalid", 'ConfigMap "web" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes', [
      { field: "metadata.annotations", reason: "FieldValueTooLong", message: "Too long: may not be more than 262144 bytes" },
    ]),
    reason: "TooLarge",
    says: ["annotations"],
  },
  { because: "our credentials are refused", error: answer(401, "Unauthorized", "Unauthorized"), reason: "Unauthorized", says: ["kubeconfig"] },
  {
    because: "too many requests",
    error: answer(429, "TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    reason: "TooManyRequests",
    says: ["tried again"],
  },
  {
    because: "the cluster is not there",
    error: new PlatformError("TP_RUNTIME_UNREACHABLE", { message: "connect ECONNREFUSED" }),
    reason: "ClusterUnreachable",
    says: ["cannot be reached"],
  },
  { because: "somebody else owns it", error: new PlatformError("TP_OWNED_BY_ANOTHER"), reason: "OwnedByAnother", says: ["adoption"] },
  {
    because: "what we do not know is passed on",
    error: answer(500, "InternalError", "Internal error occurred: gremlins"),
    reason: "InternalError",
    says: ["gremlins"],
  },
];

test.each(cases)("an apply that was refused, in plain words: $because → $reason", ({ error, reason, says }) => {
  const plain = explainApplyError(error, id);
  expect(plain.reason).toBe(reason);
  expect(plain.message).toContain("Deployment shop/web was not applied: ");
  for (const words of says) expect(plain.message).toContain(words);
});

test("however long the cluster's answer is, ours stays short and on one line", () => {
  const plain = explainApplyError(
    answer(
      422,
      "Invalid",
      `bad\n${"x".repeat(100_000)}`,
      Array.from({ length: 500 }, (_, index) => ({ field: `spec.f${index}`, message: "y".repeat(10_000) })),
    ),
    id,
  );
  expect(plain.message.length).toBeLessThan(2000);
  expect(plain.message).not.toContain("\n");
  expect(plain.message).toContain("497 more");
});

const canary = "918273645";
const leaks = [
  {
    because: "server-side apply prints the value of a wrong type",
    code: 500,
    text: `failed to create typed patch object (shop/s; /v1, Kind=Secret): .stringData.password: expected string, got &value.valueUnstructured{Value:${canary}}`,
  },
  { because: "validation quotes the value", code: 422, text: `Secret "s" is invalid: data[password]: Invalid value: "${canary}": must be base64` },
  {
    because: "decoding prints a part of the body",
    code: 400,
    text: `Secret in version "v1" cannot be handled as a Secret: json: cannot unmarshal number ${canary} into Go struct field Secret.stringData of type string`,
  },
  { because: "a webhook repeats what it saw", code: 403, text: `admission webhook "w" denied the request: password ${canary} is too simple` },
];

test.each(leaks)("S7: a refused Secret is explained without its values: $because", ({ code, text }) => {
  const told = explainApplyError(answer(code, code === 422 ? "Invalid" : code === 400 ? "BadRequest" : code === 403 ? "Forbidden" : "", text), {
    apiVersion: "v1",
    kind: "Secret",
    namespace: "shop",
    name: "s",
  });
  expect(told.message).not.toContain(canary);
  expect(told.message).toContain("Secret shop/s was not applied");
});
