import { rfc3339 } from "@threeport/platform";
import { items, type StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import type { Controller } from "../controller.ts";
import { fieldsOf, setStatus, type Fields } from "./owned.ts";

// The Gateway API as one that implements it answers, without any traffic. Source: its specification 1.3 (conditions and their reasons).

const group = "gateway.networking.k8s.io";
const apiVersion = `${group}/v1`;
/** What is missing may come: looked at again, in virtual time. */
const again = { afterMs: 2_000 };
const address = "192.0.2.1";

const list = (value: unknown): Fields[] => items(value).map(fieldsOf);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

interface Answer {
  readonly status: boolean;
  readonly reason: string;
  readonly message?: string;
}

const yes = (reason: string): Answer => ({ status: true, reason });

function conditions(cluster: SimCluster, object: StoredObject, before: unknown, answers: Readonly<Record<string, Answer>>): object[] {
  return Object.entries(answers).map(([type, { status, reason, message = "" }]) => {
    const known = list(before).find((each) => each["type"] === type);
    const same = known?.["status"] === (status ? "True" : "False");
    return {
      type,
      status: status ? "True" : "False",
      reason,
      message,
      observedGeneration: object.metadata.generation ?? 0,
      lastTransitionTime: same ? known["lastTransitionTime"] : rfc3339(cluster.time.now()),
    };
  });
}

export const gatewayClassController: Controller = {
  name: "gateway-classes",
  watches: [{ resource: `gatewayclasses.${group}` }],
  async reconcile(cluster, { name }) {
    const found = await cluster.objects.get({ apiVersion, kind: "GatewayClass", name });
    if (found === undefined) return undefined;
    const before = fieldsOf(found["status"])["conditions"];
    await setStatus(cluster, found, { conditions: conditions(cluster, found, before, { Accepted: yes("Accepted") }) });
    return undefined;
  },
};

export const gatewayController: Controller = {
  name: "gateways",
  watches: [{ resource: `gateways.${group}` }],
  async reconcile(cluster, { namespace, name }) {
    const found = await cluster.objects.get({ apiVersion, kind: "Gateway", namespace, name });
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
    const spec = fieldsOf(found["spec"]);
    const gatewayClass = await cluster.objects.get({ apiVersion, kind: "GatewayClass", name: text(spec["gatewayClassName"]) });
    if (gatewayClass === undefined) return again;
    const before = fieldsOf(found["status"]);
    let whole = true;
    const listeners = await Promise.all(
      list(spec["listeners"]).map(async (listener) => {
        const missing = await missingCertificate(cluster, namespace, listener);
        if (missing !== undefined) whole = false;
        const known = list(before["listeners"]).find((each) => each["name"] === listener["name"]);
        const resolved =
          missing === undefined ? yes("ResolvedRefs") : { status: false, reason: "InvalidCertificateRef", message: `there is no Secret ${missing}` };
        const programmed = missing === undefined ? yes("Programmed") : { status: false, reason: "Invalid", message: "its certificate is missing" };
        return {
          name: listener["name"],
          attachedRoutes: 0,
          supportedKinds: [{ group, kind: "HTTPRoute" }],
          conditions: conditions(cluster, found, known?.["conditions"], { Accepted: yes("Accepted"), ResolvedRefs: resolved, Programmed: programmed }),
        };
      }),
    );
    await setStatus(cluster, found, {
      addresses: [{ type: "IPAddress", value: address }],
      conditions: conditions(cluster, found, before["conditions"], { Accepted: yes("Accepted"), Programmed: yes("Programmed") }),
      listeners,
    });
    return whole ? undefined : again;
  },
};

async function missingCertificate(cluster: SimCluster, namespace: string, listener: Fields): Promise<string | undefined> {
  for (const reference of list(fieldsOf(listener["tls"])["certificateRefs"])) {
    const name = text(reference["name"]);
    if ((await cluster.objects.get({ apiVersion: "v1", kind: "Secret", namespace: text(reference["namespace"]) || namespace, name })) === undefined)
      return name;
  }
  return undefined;
}

export const httpRouteController: Controller = {
  name: "http-routes",
  watches: [{ resource: `httproutes.${group}` }],
  async reconcile(cluster, { namespace, name }) {
    const found = await cluster.objects.get({ apiVersion, kind: "HTTPRoute", namespace, name });
    if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
    const spec = fieldsOf(found["spec"]);
    const resolved = await backendsOf(cluster, namespace, spec);
    const known = list(fieldsOf(found["status"])["parents"]);
    const answered = await Promise.all(
      list(spec["parentRefs"]).map(async (parentRef) => {
        const gateway = await cluster.objects.get({
          apiVersion,
          kind: "Gateway",
          namespace: text(parentRef["namespace"]) || namespace,
          name: text(parentRef["name"]),
        });
        if (gateway === undefined) return undefined;
        const before = known.find((each) => fieldsOf(each["parentRef"])["name"] === parentRef["name"])?.["conditions"];
        const accepted = accepts(gateway, parentRef, spec);
        return { parentRef, controllerName: "simulated", conditions: conditions(cluster, found, before, { Accepted: accepted, ResolvedRefs: resolved }) };
      }),
    );
    const parents = answered.filter((each) => each !== undefined);
    await setStatus(cluster, found, { parents });
    return parents.length < answered.length || !resolved.status ? again : undefined;
  },
};

function accepts(gateway: StoredObject, parentRef: Fields, spec: Fields): Answer {
  const hosts = Array.isArray(spec["hostnames"]) ? spec["hostnames"].map(text) : [];
  const fits = list(fieldsOf(gateway["spec"])["listeners"]).some((listener) => {
    const { hostname, port } = listener;
    if (parentRef["port"] !== undefined && parentRef["port"] !== port) return false;
    return (
      typeof hostname !== "string" ||
      hosts.length === 0 ||
      hosts.some((host) => host === hostname || (hostname.startsWith("*.") && host.endsWith(hostname.slice(1))))
    );
  });
  return fits ? yes("Accepted") : { status: false, reason: "NoMatchingListenerHostname", message: "no listener of the gateway has its host name" };
}

async function backendsOf(cluster: SimCluster, namespace: string, spec: Fields): Promise<Answer> {
  for (const rule of list(spec["rules"])) {
    for (const backend of list(rule["backendRefs"])) {
      const name = text(backend["name"]);
      const service = await cluster.objects.get({ apiVersion: "v1", kind: "Service", namespace: text(backend["namespace"]) || namespace, name });
      if (service === undefined) return { status: false, reason: "BackendNotFound", message: `there is no Service ${name}` };
    }
  }
  return yes("ResolvedRefs");
}
