import type { Condition, KubeObject, ScalePaths, Schema } from "@threeport/resource";

/** Holds a CustomResourceDefinition until its objects are gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";
/** Groups of Kubernetes itself: who defines kinds in them says so in an annotation. */
export function isProtectedGroup(group: string): boolean {
  return /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group);
}
export const approvalAnnotation = "api-approved.kubernetes.io";

/** How the store names CustomResourceDefinitions. */
export const definitionsResource = "customresourcedefinitions.apiextensions.k8s.io";

export interface DefinitionNames {
  readonly plural: string;
  readonly singular?: string;
  readonly kind: string;
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: Schema };
  readonly subresources?: { readonly status?: object; readonly scale?: ScalePaths };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

export type DefinitionCondition = Omit<Condition, "reason" | "message"> & { reason?: string; message?: string };

export interface DefinitionStatus {
  conditions: DefinitionCondition[] | null;
  acceptedNames: DefinitionNames;
  storedVersions: string[] | null;
}

/** A CustomResourceDefinition of apiextensions.k8s.io/v1, after admission. */
export interface Definition extends KubeObject {
  spec: {
    group: string;
    names: DefinitionNames;
    scope: "Namespaced" | "Cluster";
    versions: readonly DefinitionVersion[];
    conversion?: { readonly strategy: string };
    preserveUnknownFields?: boolean;
  };
  status?: DefinitionStatus;
}

export function definitionCondition(definition: Definition, type: string): DefinitionCondition | undefined {
  return (definition.status?.conditions ?? []).find((condition) => condition.type === type);
}

export function namesAccepted(status: object): boolean {
  return ((status as Partial<DefinitionStatus>).conditions ?? []).some(({ type, status: value }) => type === "NamesAccepted" && value === "True");
}

/** Whether its objects are served: once Established, always, until it is gone. */
export function isEstablished(definition: Definition): boolean {
  return definitionCondition(definition, "Established")?.status === "True";
}
