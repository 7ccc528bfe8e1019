export type { ApiContext, Caller } from "./api.ts";
export { createRegistry, kindOf, type Registry } from "./registry.ts";
export { createObjects } from "./objects.ts";
export { createApiServer, type ApiServer, type ApiServerOptions } from "./http/server.ts";
export type { Subresource, Subresources } from "./http/subresource.ts";
export { gcQueue, ownerPath } from "./pipeline/references.ts";
export { coreKinds, namespaceFinalizer } from "./kinds/core.ts";
