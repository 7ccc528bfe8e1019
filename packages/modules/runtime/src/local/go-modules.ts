/** The go.mod files that the Kubernetes binaries are built from, and what each binary is built from. */

export const kubernetesVersion = "v1.36.4";
/** Version of the staging repositories (k8s.io/api, …) that belongs to {@link kubernetesVersion}. */
const stagingVersion = "v0.36.4";
export const etcdVersion = "v3.6.13";
export const containerdVersion = "v2.3.4";
export const cniVersion = "v1.9.1";
export const corednsVersion = "v1.14.7";
/** Oldest Go that builds these modules. */
export const goMinorMin = 26;

/** Kubernetes publishes these as modules of their own; its go.mod points to folders beside it, which a module download lacks. */
const stagingModules = [
  "api", "apiextensions-apiserver", "apimachinery", "apiserver", "cli-runtime", "client-go", "cloud-provider", "cluster-bootstrap",
  "code-generator", "component-base", "component-helpers", "controller-manager", "cri-api", "cri-client", "cri-streaming",
  "csi-translation-lib", "dynamic-resource-allocation", "endpointslice", "externaljwt", "kms", "kube-aggregator",
  "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet", "metrics", "mount-utils",
  "pod-security-admission", "sample-apiserver", "sample-cli-plugin", "sample-controller", "streaming",
]; // prettier-ignore

export const kubernetesPrograms = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"] as const;
const kubernetesPackage = (program: string) => `k8s.io/kubernetes/cmd/${program}`;
const etcdPackage = "go.etcd.io/etcd/server/v3";
const containerdPackage = (program: string) => `github.com/containerd/containerd/v2/cmd/${program}`;
const cniPackage = (plugin: string) => `github.com/containernetworking/plugins/plugins/${plugin}@${cniVersion}`;

export const goModules = {
  kubernetes: `module example.local/kubernetes

go 1.${goMinorMin}.0

godebug default=go1.${goMinorMin}

tool (
${kubernetesPrograms.map((program) => `\t${kubernetesPackage(program)}`).join("\n")}
)

require k8s.io/kubernetes ${kubernetesVersion}

replace (
${stagingModules.map((name) => `\tk8s.io/${name} => k8s.io/${name} ${stagingVersion}`).join("\n")}
)
`,
  node: `module example.local/node

go 1.${goMinorMin}.0

tool (
\t${etcdPackage}
${["containerd", "containerd-shim-runc-v2", "ctr"].map((program) => `\t${containerdPackage(program)}`).join("\n")}
)

require (
\tgo.etcd.io/etcd/server/v3 ${etcdVersion}
\tgithub.com/containerd/containerd/v2 ${containerdVersion}
)
`,
} as const;

export interface BuildStep {
  readonly binary: string;
  /** A Go package; with `@version` it is installed on its own, without one of our go.mod files. */
  readonly package: string;
  readonly module?: keyof typeof goModules;
  readonly ldflags: string;
  /** On two cores with an empty cache, rounded up: for progress lines only. */
  readonly minutes: number;
}

const strip = "-s -w";
const versionVariable = "k8s.io/component-base/version";
const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(kubernetesVersion) ?? [];
/** Without these the components report v0.0.0-master, and version checks of clients go wrong. */
const kubernetesLdflags = [
  strip,
  `-X ${versionVariable}.gitMajor=${major}`,
  `-X ${versionVariable}.gitMinor=${minor}`,
  `-X ${versionVariable}.gitVersion=${kubernetesVersion}`,
  `-X ${versionVariable}.gitTreeState=clean`,
].join(" ");

const kubernetesMinutes: Readonly<Record<(typeof kubernetesPrograms)[number], number>> = {
  "kube-apiserver": 6,
  "kube-controller-manager": 2,
  "kube-scheduler": 1,
  kubelet: 1,
  "kube-proxy": 1,
  kubectl: 1,
};

/** In build order: the API server first, because it fills the compiler's cache for the others. */
export const buildSteps: readonly BuildStep[] = [
  ...kubernetesPrograms.map((binary) => ({
    binary,
    package: kubernetesPackage(binary),
    module: "kubernetes" as const,
    ldflags: kubernetesLdflags,
    minutes: kubernetesMinutes[binary],
  })),
  { binary: "etcd", package: etcdPackage, module: "node", ldflags: strip, minutes: 1 },
  ...["containerd", "containerd-shim-runc-v2", "ctr"].map((binary) => ({
    binary,
    package: containerdPackage(binary),
    module: "node" as const,
    ldflags: strip,
    minutes: 1,
  })),
  ...["main/bridge", "main/loopback", "ipam/host-local", "meta/portmap"].map((plugin) => ({
    binary: plugin.replace(/^.*\//, ""),
    package: cniPackage(plugin),
    ldflags: strip,
    minutes: 1,
  })),
  { binary: "coredns", package: `github.com/coredns/coredns@${corednsVersion}`, ldflags: strip, minutes: 3 },
];
