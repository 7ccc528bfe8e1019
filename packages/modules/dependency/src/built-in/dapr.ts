// Parts of Dapr, whose control plane must be in the cluster: it reads these objects, and sidecars of workloads use them.
import { labels, priority, secret } from "./shared.ts";

/** Keys of one application start with its id, so all of an environment may share a server. */
function component(type: string): object[] {
  return [
    secret("${name}", { password: "${requires.redis.password}" }),
    {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { name: "${name}", labels },
      spec: {
        type,
        version: "v1",
        metadata: [
          { name: "redisHost", value: "${requires.redis.host}:${requires.redis.port}" },
          { name: "redisUsername", value: "${requires.redis.username}" },
          { name: "redisPassword", secretKeyRef: { name: "${name}", key: "password" } },
        ],
      },
      auth: { secretStore: "kubernetes" },
    },
  ];
}

const onRedis = (type: string, component_: string) =>
  ({
    type,
    class: "default",
    priority,
    requires: { redis: { type: "redis", class: "default", id: "shared" } },
    provisioner: { manifests: { objects: component(component_) } },
    outputs: { name: { value: "${name}" } },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  }) as const;

export const daprStateStore = { name: "dapr-state-store-v1", spec: onRedis("dapr-state-store", "state.redis") } as const;

export const daprPubsub = { name: "dapr-pubsub-v1", spec: onRedis("dapr-pubsub", "pubsub.redis") } as const;

export const daprSubscription = {
  name: "dapr-subscription-v1",
  spec: {
    type: "dapr-subscription",
    class: "default",
    priority,
    params: {
      properties: {
        topic: { type: "string", description: "Name of the topic.", minLength: 1 },
        pubsub: { type: "string", description: "The component that it is of: ${resources.NAME.name} of a dapr-pubsub.", minLength: 1 },
        route: { type: "string", description: "Path that messages are sent to; /TOPIC unless said.", pattern: "^/" },
        app: { type: "string", description: "Id of the Dapr application that gets them; the workload's name unless said.", minLength: 1 },
      },
      required: ["topic", "pubsub"],
    },
    provisioner: {
      manifests: {
        objects: [
          {
            apiVersion: "dapr.io/v2alpha1",
            kind: "Subscription",
            metadata: { name: "${name}", labels },
            spec: { pubsubname: "${params.pubsub}", topic: "${params.topic}", routes: { default: "${params.?route.orValue('/' + params.topic)}" } },
            // Others would be sent what they have no route for.
            scopes: ["${params.?app.orValue(need.id.split('.')[0])}"],
          },
        ],
      },
    },
    outputs: { name: { value: "${name}" }, topic: { value: "${params.topic}" } },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  },
} as const;
