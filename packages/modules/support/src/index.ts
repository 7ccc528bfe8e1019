export { systemNamespace } from "@threeport/module-runtime";
export { gatewayAddress } from "./gateway-address.ts";
export { keepBuiltInDefinitions } from "./keep-built-in.ts";
export { supportServiceDefinitionKind, type SupportServiceDefinition } from "./kinds/definition.ts";
export { supportInstanceName, supportServiceInstanceKind, type SupportServiceInstance } from "./kinds/instance.ts";
export { supportReconciler, type SupportOptions } from "./reconcile-instance.ts";
export { serviceIsGoing, serviceOutputs, useService } from "./use-service.ts";
