// Profiles that come with the control plane: versioned objects that never change (design.md §5.6).
import type { KubeObject } from "@threeport/resource";
import { amqp } from "./amqp.ts";
import { dns } from "./dns.ts";
import { azureBlob } from "./azure-blob.ts";
import { daprPubsub, daprStateStore, daprSubscription } from "./dapr.ts";
import { elasticsearch } from "./elasticsearch.ts";
import { gcpPubsubEmulator } from "./gcp-pubsub-emulator.ts";
import { horizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";
import { kafkaInstance, kafkaTopic } from "./kafka.ts";
import { llmModel } from "./llm-model.ts";
import { mongodb } from "./mongodb.ts";
import { mssql } from "./mssql.ts";
import { mysql, mysqlInstance } from "./mysql.ts";
import { postgres, postgresInstance } from "./postgres.ts";
import { redis } from "./redis.ts";
import { route } from "./route.ts";
import { s3, s3Instance } from "./s3.ts";
import { secret } from "./secret.ts";

/** On profiles that come with the control plane. */
export const builtInLabel = "threeport.io/built-in";

export interface BuiltIn {
  readonly name: string;
  readonly spec: object;
}

const all: readonly BuiltIn[] = [
  amqp,
  azureBlob,
  daprPubsub,
  daprStateStore,
  daprSubscription,
  dns,
  elasticsearch,
  gcpPubsubEmulator,
  horizontalPodAutoscaler,
  kafkaInstance,
  kafkaTopic,
  llmModel,
  mongodb,
  mssql,
  mysql,
  mysqlInstance,
  postgres,
  postgresInstance,
  redis,
  route,
  s3,
  s3Instance,
  secret,
];

/** What a built-in profile says; undefined for other names. */
export function builtInSpec(name: string): object | undefined {
  return all.find((each) => each.name === name)?.spec;
}

export function builtInProfiles(kind: { readonly apiVersion: string; readonly kind: string }): KubeObject[] {
  return all.map(({ name, spec }) => ({ ...kind, metadata: { name, labels: { [builtInLabel]: "true" } }, spec }) as KubeObject);
}
