import { expect, test } from "vitest";
import { componentCommand, type ComponentName } from "./component-commands.ts";
import { corednsObjects } from "./coredns.ts";
import { parseHierarchies } from "./cgroups.ts";
import { networkPlan } from "./network-plan.ts";
import { nodeConfigFiles, type NodeSettings } from "./node-config.ts";

const settings: NodeSettings = {
  plan: networkPlan(2),
  nodeName: "dev",
  stateDir: '/srv/a "b"',
  binariesFolder: "/opt/k8s",
  runcPath: "/usr/sbin/runc",
  volumesFolder: "/state/volumes",
};
const files = nodeConfigFiles(settings);
const json = (file: string) => JSON.parse(files[file] ?? "") as Record<string, unknown>;
const flags = (name: ComponentName) => componentCommand(name, settings).args;

test("the kubelet keeps to this cluster's control group, name server and node name", () => {
  expect(json("kubelet.yaml")).toMatchObject({ cgroupRoot: "/tp-2", clusterDNS: ["10.202.16.10"], cgroupDriver: "cgroupfs", failCgroupV1: false });
  expect(flags("kubelet")).toContain("--hostname-override=dev");
  expect(flags("kubelet")).toContain("--node-ip=10.200.2.2");
  expect(files["resolv.conf"]).toBe("nameserver 10.202.16.10\n");
});

test("pods get addresses of this cluster's range, and kube-proxy knows the range", () => {
  expect(JSON.stringify(json("cni/10-bridge.conflist"))).toContain('"subnet":"10.201.16.0/21"');
  expect(json("kube-proxy.yaml")).toMatchObject({ clusterCIDR: "10.201.16.0/21", conntrack: { maxPerCore: 0, min: 0 } });
});

test("API server and controller manager agree on the range of ClusterIPs, and CoreDNS has its address in it", () => {
  for (const name of ["kube-apiserver", "kube-controller-manager"] as const) expect(flags(name)).toContain("--service-cluster-ip-range=10.202.16.0/21");
  expect(corednsObjects(settings.plan).find(({ path }) => path.endsWith("/services/kube-dns"))?.object).toMatchObject({ spec: { clusterIP: "10.202.16.10" } });
});

test("the API server never advertises loopback, which would become the endpoint of the Service kubernetes", () => {
  expect(flags("kube-apiserver")).toContain("--advertise-address=10.200.2.2");
});

test("controllers act under their own ServiceAccounts, or RBAC stops them silently", () => {
  expect(flags("kube-controller-manager")).toContain("--use-service-account-credentials=true");
});

test("paths with blanks and quotes stay one value in every format", () => {
  expect(json("kubelet.yaml")["tlsCertFile"]).toBe('/srv/a "b"/pki/kubelet-server.crt');
  expect(files["containerd.toml"]).toContain('conf_dir = "/srv/a \\"b\\"/config/cni"');
  expect(flags("etcd")).toContain('--data-dir=/srv/a "b"/etcd');
});

test("an apply path names the same object as the object itself", () => {
  for (const { path, object } of corednsObjects(settings.plan)) {
    const { metadata, kind } = object as { metadata: { name: string; namespace?: string }; kind: string };
    expect(path.split("/").at(-1)).toBe(metadata.name);
    expect(path).toContain(`/${kind.toLowerCase()}s/`);
    if (metadata.namespace !== undefined) expect(path).toContain(`/namespaces/${metadata.namespace}/`);
  }
});

test("control group hierarchies of both versions are read from the mount table", () => {
  const table = [
    "25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw",
    "36 35 0:31 / /sys/fs/cgroup/cpuset rw,relatime shared:16 - cgroup cgroup rw,cpuset",
    "37 35 0:32 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct",
    "40 35 0:35 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
    "",
  ].join("\n");
  expect(parseHierarchies(table)).toEqual([
    { version: 1, mountPoint: "/sys/fs/cgroup/cpuset", controllers: ["cpuset"] },
    { version: 1, mountPoint: "/sys/fs/cgroup/cpu,cpuacct", controllers: ["cpu", "cpuacct"] },
    { version: 2, mountPoint: "/sys/fs/cgroup/unified", controllers: [] },
  ]);
});
