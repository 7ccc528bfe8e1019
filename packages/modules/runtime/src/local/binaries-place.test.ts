import { expect, test } from "vitest";
import { binariesPlace } from "./binaries-place.ts";

test("what the environment says is taken; what is empty says nothing", () => {
  const environment = {
    THREEPORT_KUBERNETES_BIN: "/opt/kubernetes",
    THREEPORT_KUBERNETES_SOURCE: "release",
    THREEPORT_KUBERNETES_MIRROR: "https://mirror.example.com/releases",
    XDG_CACHE_HOME: "/cache",
  };
  const place = binariesPlace(environment);
  expect(place).toMatchObject({ folder: "/opt/kubernetes", source: "release", cacheDir: "/cache/threeport", proxies: environment });
  expect(place.mirror?.href).toBe("https://mirror.example.com/releases");
  expect(Object.keys(binariesPlace({ THREEPORT_KUBERNETES_BIN: "", THREEPORT_KUBERNETES_SOURCE: "", THREEPORT_KUBERNETES_MIRROR: "" }))).toEqual(["proxies"]);
});

const wrong = [
  { variable: "THREEPORT_KUBERNETES_SOURCE", value: "debian", says: /THREEPORT_KUBERNETES_SOURCE is "debian"; it takes release or build/ },
  { variable: "THREEPORT_KUBERNETES_MIRROR", value: "http://mirror.example.com", says: /must be an https address/ },
  { variable: "THREEPORT_KUBERNETES_MIRROR", value: "mirror.example.com", says: /must be an https address/ },
  { variable: "THREEPORT_KUBERNETES_MIRROR", value: "https://mirror.example.com/?a=1", says: /without a query/ },
];
test.each(wrong)("$variable=$value is refused, and told what to write", ({ variable, value, says }) => {
  expect(() => binariesPlace({ [variable]: value })).toThrow(says);
});
