import type { Registry } from "../registry.ts";
import { apiGroup, coreVersions, groupList, resourceList } from "./discovery.ts";
import { openApiDocument, openApiIndex } from "./openapi.ts";

/** Discovery, OpenAPI, version: what is no object. Undefined when there is nothing at `path`. */
export function generalDocument(registry: Registry, version: string, path: string): object | undefined {
  switch (path) {
    case "/":
      return { paths: ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"] };
    case "/api":
      return coreVersions();
    case "/apis":
      return groupList(registry);
    case "/version":
      return versionInfo(version);
    case "/openapi/v3":
      return openApiIndex(registry);
  }
  const [first, ...rest] = path.split("/").slice(1);
  if (first === "api" && rest.length === 1) return resourceList(registry, "", rest[0] ?? "");
  if (first === "apis" && rest.length === 1) return groupDocument(registry, rest[0] ?? "");
  if (first === "apis" && rest.length === 2 && rest[0] !== "") return resourceList(registry, rest[0] ?? "", rest[1] ?? "");
  if (first === "openapi" && rest[0] === "v3") {
    if (rest[1] === "api" && rest.length === 3) return openApiDocument(registry, "", rest[2] ?? "");
    if (rest[1] === "apis" && rest.length === 4 && rest[2] !== "") return openApiDocument(registry, rest[2] ?? "", rest[3] ?? "");
  }
  return undefined;
}

function groupDocument(registry: Registry, name: string): object | undefined {
  const group = registry.groups().find((entry) => entry.group === name && name !== "");
  return group === undefined ? undefined : apiGroup(group.group, group.versions);
}

/** The Kubernetes whose API we speak, for clients that decide by version; our own is behind the `+`. */
function versionInfo(version: string): object {
  return {
    major: "1",
    minor: "36",
    gitVersion: `v1.36.0+threeport-${version}`,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: "",
  };
}
