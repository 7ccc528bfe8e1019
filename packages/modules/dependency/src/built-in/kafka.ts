import { makeJob } from "./job.ts";
import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

/** Its home has no tags of major versions. */
const image = "docker.io/apache/kafka:4.2.0";
const port = 9092;
/** `appuser` of the image. */
const user = 1000;

/** One broker that is its own controller (KRaft). Clients need no password: the type has no output for one. */
export const kafkaInstance = {
  name: "kafka-instance-v1",
  spec: {
    type: "kafka-instance",
    class: "default",
    priority,
    params: { properties: { storage: { ...storageParam, default: "5Gi" } } },
    provisioner: {
      manifests: {
        objects: serverObjects({
          image,
          port,
          user,
          env: {
            KAFKA_NODE_ID: "1",
            KAFKA_PROCESS_ROLES: "broker,controller",
            KAFKA_CONTROLLER_QUORUM_VOTERS: "1@127.0.0.1:9093",
            KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
            KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://127.0.0.1:9093`,
            KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${hostName}:${port}`,
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_INTER_BROKER_LISTENER_NAME: "PLAINTEXT",
            KAFKA_LOG_DIRS: "/var/lib/kafka/data",
            // There is one broker to keep copies on.
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
            KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
            KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
            // Topics are made by those who need them, with the partitions that they ask for.
            KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false",
            KAFKA_HEAP_OPTS: "-Xms512m -Xmx512m",
          },
          cpu: "100m",
          memory: { request: "768Mi", limit: "1536Mi" },
          dataPath: "/var/lib/kafka/data",
          endSeconds: 60,
        }),
      },
    },
    outputs: { host: { value: hostName }, port: { value: port } },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;

const makeTopic = [
  "set -eu",
  'topics() { /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$SERVER" "$@"; }',
  "until topics --list >/dev/null; do sleep 2; done",
  'topics --create --if-not-exists --topic "$TOPIC" --partitions "$PARTITIONS" --replication-factor 1',
  // A topic can get more of them, never fewer.
  'there=$(topics --describe --topic "$TOPIC" | sed -n "s/.*PartitionCount: *\\([0-9]*\\).*/\\1/p")',
  '[ "$there" -ge "$PARTITIONS" ] || topics --alter --topic "$TOPIC" --partitions "$PARTITIONS"',
].join("\n");

/** A topic on a broker that all of an environment share. */
export const kafkaTopic = {
  name: "kafka-topic-v1",
  spec: {
    type: "kafka-topic",
    class: "default",
    priority,
    params: {
      properties: {
        num_partitions: { type: "integer", description: "Its partitions; there can be more later, never fewer.", default: 3, minimum: 1, maximum: 1000 },
      },
    },
    requires: { instance: { type: "kafka-instance", class: "default", id: "shared" } },
    provisioner: {
      manifests: {
        objects: [
          makeJob({
            suffix: "make-${params.num_partitions}",
            image,
            user,
            command: ["sh", "-c", makeTopic],
            env: {
              SERVER: "${requires.instance.host}:${requires.instance.port}",
              TOPIC: "${name}",
              PARTITIONS: "${string(params.num_partitions)}",
              KAFKA_HEAP_OPTS: "-Xmx128m",
            },
            memory: { request: "128Mi", limit: "384Mi" },
          }),
        ],
      },
    },
    outputs: {
      host: { value: "${requires.instance.host}" },
      port: { value: "${requires.instance.port}" },
      name: { value: "${name}" },
      num_partitions: { value: "${params.num_partitions}" },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  },
} as const;
