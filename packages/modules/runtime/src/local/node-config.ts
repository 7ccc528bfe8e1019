import { join } from "node:path";
import { pauseImageName } from "./base-images.ts";
import type { NetworkPlan } from "./network-plan.ts";
import { stateFolders } from "./state-folder.ts";

/** What the configuration of a node depends on. */
export interface NodeSettings {
  readonly plan: NetworkPlan;
  readonly nodeName: string;
  readonly stateDir: string;
  readonly binariesFolder: string;
  readonly runcPath: string;
  /** Where volumes are kept on the machine. */
  readonly volumesFolder: string;
}

/** Where containerd listens, inside the node. */
export const containerdSocket = "/run/containerd/containerd.sock";

/** File name in the configuration folder → its text. */
export function nodeConfigFiles(settings: NodeSettings): Readonly<Record<string, string>> {
  return {
    "containerd.toml": containerdConfig(settings),
    "cni/10-bridge.conflist": json(cniConfig(settings)),
    "kubelet.yaml": json(kubeletConfig(settings)),
    "kube-proxy.yaml": json(kubeProxyConfig(settings)),
    "resolv.conf": `nameserver ${settings.plan.dnsIp}\n`,
  };
}

export function configPath(settings: Pick<NodeSettings, "stateDir">, file: string): string {
  return join(settings.stateDir, stateFolders.config, file);
}

export function pkiPath(settings: Pick<NodeSettings, "stateDir">, file: string): string {
  return join(settings.stateDir, stateFolders.pki, file);
}

/** Kubernetes reads JSON where it reads YAML; no path or name can break out of its quotes. */
function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function containerdConfig(settings: NodeSettings): string {
  const text = (value: string) => JSON.stringify(value); // TOML's basic strings escape as JSON does
  return `version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = ${text(containerdSocket)}

[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = ${text(pauseImageName)}

[plugins.'io.containerd.cri.v1.runtime']
  # Where CAP_SYS_RESOURCE is missing, runc may not lower the score below our own; it starts no container then.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = [${text(settings.binariesFolder)}]
    conf_dir = ${text(configPath(settings, "cni"))}
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = ${text(settings.runcPath)}
      SystemdCgroup = false
`;
}

function cniConfig({ plan }: NodeSettings): object {
  return {
    cniVersion: "1.0.0",
    name: "pods",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: { type: "host-local", ranges: [[{ subnet: plan.podCidr }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

function kubeletConfig(settings: NodeSettings): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: pkiPath(settings, "ca.crt") } },
    authorization: { mode: "Webhook" },
    tlsCertFile: pkiPath(settings, "kubelet-server.crt"),
    tlsPrivateKeyFile: pkiPath(settings, "kubelet-server.key"),
    cgroupDriver: "cgroupfs",
    cgroupRoot: settings.plan.cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    // The kubelet raises its own limit to this, which fails above the hard limit of an ordinary login.
    maxOpenFiles: 15_000,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    resolvConf: configPath(settings, "resolv.conf"),
    clusterDNS: [settings.plan.dnsIp],
    clusterDomain: "cluster.local",
    // A developer's disk is often nearly full; evicting pods at 15 % free, as servers do, would stop clusters that have room.
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%" },
    // Images were loaded by hand and cannot be pulled again: they are never collected.
    imageGCHighThresholdPercent: 100,
    volumePluginDir: "/var/lib/kubelet/volume-plugins",
    staticPodPath: "",
  };
}

function kubeProxyConfig(settings: NodeSettings): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig: pkiPath(settings, "kube-proxy.kubeconfig") },
    hostnameOverride: settings.nodeName,
    clusterCIDR: settings.plan.podCidr,
    bindAddress: settings.plan.nodeIp,
    healthzBindAddress: "127.0.0.1:10256",
    metricsBindAddress: "127.0.0.1:10249",
    // Limits of connection tracking belong to the machine; in a namespace of its own, setting them fails. 0 leaves them.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
}
