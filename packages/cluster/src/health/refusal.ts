import { enumerate, quote, scannable } from "./text.ts";

/** Why the API server does not take an object, in plain words. */
export interface Refusal {
  /** Stable CamelCase. */
  readonly reason: string;
  /** One or more sentences, the last one says what to do. */
  readonly message: string;
}

/**
 * What admission says no with, recognised by the API server's own wording (1.36): quota, limit ranges, Pod Security,
 * policies, webhooks, service accounts, RBAC, namespaces on their way out. Undefined when it is none of these.
 */
export function explainRefusal(foreign: string): Refusal | undefined {
  const text = scannable(foreign);
  return explainQuota(text) ?? explainPolicy(text) ?? explainWebhook(text) ?? explainPlace(text) ?? explainRights(text);
}

function explainQuota(text: string): Refusal | undefined {
  const exceeded = /exceeded quota: ([^,]+), requested: (.+?), used: (.+?), limited: ([^\n]+)$/.exec(text);
  if (exceeded !== null) {
    const [, name = "", requested = "", used = "", limited = ""] = exceeded;
    return {
      reason: "QuotaExceeded",
      message: `quota "${quote(name)}" of the namespace is used up: it asks for ${quote(requested)}, used are ${quote(used)}, allowed are ${quote(limited)}. Raise the quota, ask for less, or remove something.`,
    };
  }
  const must = /failed quota: ([^:]+): must specify (.+)$/.exec(text);
  if (must !== null)
    return {
      reason: "QuotaRequiresResources",
      message: `quota "${quote(must[1] ?? "")}" of the namespace wants ${quote(must[2] ?? "")} to be set. Set requests and limits on each container, or give the namespace a LimitRange with defaults.`,
    };
  if (text.includes("status unknown for quota"))
    return {
      reason: "QuotaNotReady",
      message: "the namespace's quota has not been counted yet. It is tried again; if this lasts, check the controller manager.",
    };
  const limits = text.match(/(?:minimum|maximum) \S+ usage per \S+ is [^,\]]+(?:, but \S+ is [^,\]]+)?|\S+ max limit to request ratio per \S+ is [^\]]+/g);
  if (limits !== null)
    return {
      reason: "LimitRangeViolated",
      message: `it breaks the namespace's LimitRange: ${enumerate(limits.map(quote))}. Change requests and limits, or the LimitRange.`,
    };
  return undefined;
}

function explainPolicy(text: string): Refusal | undefined {
  const security = /violates PodSecurity "([^"]+)": (.+)$/.exec(text);
  if (security !== null)
    return {
      reason: "PodSecurityViolated",
      message: `the namespace enforces Pod Security level "${quote(security[1] ?? "")}", and the pod breaks it: ${quote(security[2] ?? "")}. Change the pod's securityContext, or the namespace's level.`,
    };
  const policy = /(?:ValidatingAdmissionPolicy|policy) ['"]([^'"]+)['"](?: with binding ['"]([^'"]+)['"])? denied request: (.+)$/.exec(text);
  if (policy !== null)
    return {
      reason: "AdmissionDenied",
      message: `the admission policy "${quote(policy[1] ?? "")}" denies it: ${quote(policy[3] ?? "")}. Change the object to what the policy asks for.`,
    };
  return undefined;
}

function explainWebhook(text: string): Refusal | undefined {
  const denied = /admission webhook "([^"]+)" denied the request(?:: | )(.+)$/.exec(text);
  if (denied !== null)
    return {
      reason: "AdmissionDenied",
      message: `the admission webhook "${quote(denied[1] ?? "")}" denies it: ${quote(denied[2] ?? "")}. Change the object to what the webhook asks for.`,
    };
  const failed = /failed calling webhook "([^"]+)"(?:: (.+))?/.exec(text);
  if (failed !== null) return unreachableWebhook(`the admission webhook "${quote(failed[1] ?? "")}"`, failed[2] ?? "", "AdmissionWebhook");
  const conversion = /conversion webhook for (\S+(?:, Kind=\S+)?) failed: (.+)$/.exec(text);
  if (conversion !== null) return unreachableWebhook(`the conversion webhook for ${quote(conversion[1] ?? "")}`, conversion[2] ?? "", "ConversionWebhook");
  return undefined;
}

function unreachableWebhook(who: string, why: string, kind: string): Refusal {
  const service = /https?:\/\/([a-z0-9-]+)\.([a-z0-9-]+)\.svc/.exec(why);
  const check = service === null ? "Check the server behind it." : `Check the pods behind service ${service[2] ?? ""}/${service[1] ?? ""}.`;
  if (/deadline exceeded|timeout/i.test(why))
    return { reason: `${kind}Timeout`, message: `${who} did not answer in time. ${check} Until it answers, nothing that it watches can change.` };
  if (/x509|certificate/i.test(why))
    return {
      reason: `${kind}Unreachable`,
      message: `${who} has a certificate that the API server does not trust (${quote(why)}). Renew it, or correct caBundle.`,
    };
  return {
    reason: `${kind}Unreachable`,
    message: `${who} cannot be reached${why === "" ? "" : ` (${quote(why)})`}. ${check} Until it answers, nothing that it watches can change.`,
  };
}

function explainPlace(text: string): Refusal | undefined {
  const leaving = /unable to create new content in namespace (\S+) because it is being terminated|namespace (\S+) is being terminated/.exec(text);
  if (leaving !== null)
    return {
      reason: "NamespaceTerminating",
      message: `namespace ${quote(leaving[1] ?? leaving[2] ?? "")} is being deleted. Wait until it is gone, then it is made anew; if it stays, look at its finalizers.`,
    };
  const namespace = /namespaces? "([^"]+)" not found/.exec(text);
  if (namespace !== null) return { reason: "NamespaceMissing", message: `namespace "${quote(namespace[1] ?? "")}" does not exist. Create it first.` };
  const account = /error looking up service account ([^/\s]+)\/([^:\s]+): /.exec(text);
  if (account !== null)
    return {
      reason: "ServiceAccountMissing",
      message: `service account "${quote(account[2] ?? "")}" does not exist in namespace ${quote(account[1] ?? "")}. Create it, or correct serviceAccountName.`,
    };
  const priority = /no PriorityClass with name (\S+) was found/.exec(text);
  if (priority !== null)
    return { reason: "PriorityClassMissing", message: `there is no PriorityClass ${quote(priority[1] ?? "")}. Create it, or correct priorityClassName.` };
  return undefined;
}

function explainRights(text: string): Refusal | undefined {
  const rights = /[Uu]ser "([^"]+)" cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)"| at the cluster scope)?/.exec(text);
  if (rights !== null) {
    const [, user = "", verb = "", resource = "", group = "", namespace] = rights;
    const what = group === "" ? resource : `${resource}.${group}`;
    const where = namespace === undefined ? "in the whole cluster" : `in namespace ${namespace}`;
    return {
      reason: "Forbidden",
      message: `"${quote(user)}" may not ${quote(verb)} ${quote(what)} ${quote(where)}. Grant it by a Role and RoleBinding there (verb ${quote(verb)}).`,
    };
  }
  if (text.includes("attempting to grant RBAC permissions not currently held"))
    return { reason: "Forbidden", message: "it grants rights that the one who applies does not have. Grant those rights first, or the verb escalate." };
  return undefined;
}
