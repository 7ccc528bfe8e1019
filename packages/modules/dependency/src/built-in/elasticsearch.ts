import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

const port = 9200;

export const elasticsearch = {
  name: "elasticsearch-v1",
  spec: {
    type: "elasticsearch",
    class: "default",
    priority,
    params: { properties: { storage: { ...storageParam, default: "5Gi" } } },
    generated: { password: "password(24)" },
    provisioner: {
      manifests: {
        objects: serverObjects(
          {
            // Its home has no tags of major versions.
            image: "docker.elastic.co/elasticsearch/elasticsearch:9.3.2",
            port,
            // Its configuration may be written by group 0.
            user: 1000,
            groupOfImage: true,
            env: {
              "discovery.type": "single-node",
              // Others in the cluster reach it by its password; certificates would have to be handed to them.
              "xpack.security.enabled": "true",
              "xpack.security.http.ssl.enabled": "false",
              // The node's vm.max_map_count does not matter then.
              "node.store.allow_mmap": "false",
              ES_JAVA_OPTS: "-Xms1g -Xmx1g",
            },
            secretEnv: { ELASTIC_PASSWORD: "password" },
            cpu: "250m",
            memory: { request: "2Gi", limit: "2Gi" },
            dataPath: "/usr/share/elasticsearch/data",
            ready: ["sh", "-c", `curl -sf -o /dev/null -m 2 -u "elastic:$ELASTIC_PASSWORD" "http://127.0.0.1:${port}/_cluster/health?local=true"`],
            endSeconds: 120,
          },
          { password: "${generated.password}" },
        ),
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      username: { value: "elastic" },
      password: { value: "${generated.password}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;
