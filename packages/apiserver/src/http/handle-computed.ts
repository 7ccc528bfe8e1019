import { PlatformError, pruneAndDefault, validateSchema } from "@threeport/resource";
import type { ApiContext } from "../api.ts";
import type { Computed } from "../computed.ts";
import { checkReferences } from "../auth/check-authority.ts";
import { invalid } from "../pipeline/admission.ts";
import { readObject, warningsOfUnknown } from "../pipeline/body.ts";
import { placeIn } from "../pipeline/create.ts";
import type { ResourceAnswer } from "./handler.ts";
import { splitSecretValues } from "../pipeline/secret-values.ts";
import { presentObject, presentationOf } from "./present.ts";
import { readRequestBody } from "./read-request-body.ts";
import type { ResourceRequest } from "./resource-request.ts";
import { readWriteOptions } from "./write-options.ts";

/** A create of what is computed; there is no other verb. A dry run is the same, since nothing is stored. */
export async function handleComputed(context: ApiContext, request: ResourceRequest, computed: Computed): Promise<ResourceAnswer> {
  const { kind } = computed;
  const { route } = request;
  if (request.method !== "POST" || (route.subresource === undefined && route.name !== undefined))
    throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `a ${kind.kind} can only be created: it is answered and not kept` });
  const presentation = presentationOf(request);
  const sent = readRequestBody(request, kind);
  const object = readObject(sent.body, kind);
  placeIn(object, kind, route.namespace ?? "");
  const { fieldValidation } = readWriteOptions(request, "CreateOptions");
  const warnings = [...sent.warnings, ...warningsOfUnknown(kind, pruneAndDefault(object, kind.schema), { fieldValidation })];
  const causes = validateSchema(object, kind.schema);
  if (causes.length === 0) causes.push(...kind.validate(object, undefined));
  if (causes.length > 0) throw invalid(kind, String(object.metadata.name ?? "").slice(0, 100), causes);
  // P2: what is worked out from another object tells of it.
  checkReferences(context.authorizer, request.caller.user, { kind, next: object, old: undefined });
  const answer = await computed.compute({ object, namespace: route.namespace ?? "", name: route.name ?? "", user: request.caller.user });
  if (kind.documents.length > 0) await splitSecretValues(context, kind, answer, { namespace: route.namespace ?? "", dryRun: true });
  return { status: 201, body: presentObject(context, kind, presentation, { body: JSON.stringify(answer), rv: 0 }), warnings };
}
