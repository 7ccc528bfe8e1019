import type { StoredObject } from "@threeport/resource";

export const claimTarget = { apiVersion: "v1", kind: "PersistentVolumeClaim" } as const;
export const volumeTarget = { apiVersion: "v1", kind: "PersistentVolume" } as const;
export const serviceTarget = { apiVersion: "v1", kind: "Service" } as const;
export const storageClassTarget = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass" } as const;

/** Of a PersistentVolumeClaim, what the agent looks at. */
export interface Claim extends StoredObject {
  readonly spec: {
    readonly accessModes?: readonly string[];
    readonly storageClassName?: string;
    readonly volumeMode?: string;
    readonly volumeName?: string;
    readonly selector?: object;
    readonly dataSource?: object;
    readonly dataSourceRef?: object;
    readonly resources: { readonly requests: { readonly storage: string } };
  };
}

/** Of a PersistentVolume, what the agent looks at. */
export interface Volume extends StoredObject {
  readonly spec: {
    readonly persistentVolumeReclaimPolicy?: string;
    readonly local?: { readonly path: string };
  };
  readonly status?: { readonly phase?: string };
}

/** Of a Service, what the agent looks at. */
export interface Service extends StoredObject {
  readonly spec: { readonly type?: string; readonly loadBalancerClass?: string };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}
