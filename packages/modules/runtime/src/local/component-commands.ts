import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { frontProxy } from "./cluster-pki.ts";
import { loadBalancerAddresses } from "./network-plan.ts";
import { configPath, type NodeSettings, pkiPath } from "./node-config.ts";
import { volumesPath } from "./node-init-script.ts";
import { stateFolders } from "./state-folder.ts";

/** A long-lived program of the node. */
export interface ComponentCommand {
  readonly name: ComponentName;
  /** Absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  /** A word of its command line that no other process of the cluster has. */
  readonly mark: string;
  /** Whether it sees the machine's files rather than the node's. */
  readonly hostFiles: boolean;
  /** Go's soft limit, MiB: the collector works harder near it, so an idle cluster stays small; nothing is killed by it. */
  readonly memoryMiB: number;
}

export const componentNames = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "containerd",
  "kubelet",
  "kube-proxy",
  "node-agent",
] as const;
export type ComponentName = (typeof componentNames)[number];

const nodeAgentProgram = fileURLToPath(new URL("./node-agent/main.ts", import.meta.url));

export function componentCommand(name: ComponentName, settings: NodeSettings): ComponentCommand {
  const common = { name, memoryMiB: memoryMiB[name], args: argumentsOf[name](settings) };
  const mark = componentMark(name, settings.binariesFolder);
  // Ours runs from its sources and the packages beside them, wherever they are on the machine.
  if (name === "node-agent") return { ...common, program: process.execPath, mark, hostFiles: true };
  return { ...common, program: mark, mark, hostFiles: false };
}

/** See {@link ComponentCommand.mark}. */
export function componentMark(name: ComponentName, binariesFolder: string): string {
  return name === "node-agent" ? nodeAgentProgram : join(binariesFolder, name);
}

const memoryMiB: Readonly<Record<ComponentName, number>> = {
  etcd: 256,
  "kube-apiserver": 512,
  "kube-controller-manager": 256,
  "kube-scheduler": 128,
  containerd: 256,
  kubelet: 256,
  "kube-proxy": 128,
  "node-agent": 64,
};

const etcdClientUrl = "http://127.0.0.1:2379"; // loopback of the node's own network namespace
const etcdPeerUrl = "http://127.0.0.1:2380";

const argumentsOf: Readonly<Record<ComponentName, (settings: NodeSettings) => string[]>> = {
  etcd: ({ stateDir }) => [
    "--name=local",
    `--data-dir=${join(stateDir, stateFolders.etcd)}`,
    `--listen-client-urls=${etcdClientUrl}`,
    `--advertise-client-urls=${etcdClientUrl}`,
    `--listen-peer-urls=${etcdPeerUrl}`,
    `--initial-advertise-peer-urls=${etcdPeerUrl}`,
    `--initial-cluster=local=${etcdPeerUrl}`,
    "--unsafe-no-fsync", // the cluster does not outlive the machine's uptime, so nothing has to survive a power cut
    "--log-level=warn",
  ],
  "kube-apiserver": (settings) => [
    "--bind-address=0.0.0.0",
    `--advertise-address=${settings.plan.nodeIp}`, // loopback is refused: it would be the endpoint of the Service `kubernetes`
    "--secure-port=6443",
    `--etcd-servers=${etcdClientUrl}`,
    `--service-cluster-ip-range=${settings.plan.serviceCidr}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    `--client-ca-file=${pkiPath(settings, "ca.crt")}`,
    `--tls-cert-file=${pkiPath(settings, "apiserver.crt")}`,
    `--tls-private-key-file=${pkiPath(settings, "apiserver.key")}`,
    `--kubelet-certificate-authority=${pkiPath(settings, "ca.crt")}`,
    `--kubelet-client-certificate=${pkiPath(settings, "apiserver-kubelet-client.crt")}`,
    `--kubelet-client-key=${pkiPath(settings, "apiserver-kubelet-client.key")}`,
    "--kubelet-preferred-address-types=InternalIP",
    `--requestheader-client-ca-file=${pkiPath(settings, "ca.crt")}`,
    `--requestheader-allowed-names=${frontProxy}`,
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    `--proxy-client-cert-file=${pkiPath(settings, `${frontProxy}.crt`)}`,
    `--proxy-client-key-file=${pkiPath(settings, `${frontProxy}.key`)}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${pkiPath(settings, "service-accounts.pub")}`,
    `--service-account-signing-key-file=${pkiPath(settings, "service-accounts.key")}`,
  ],
  "kube-controller-manager": (settings) => [
    ...clientFlags(settings, "kube-controller-manager"),
    // Without it RBAC stops the controllers without a word, and Deployments stay at 0 of 0.
    "--use-service-account-credentials=true",
    // Its forty controllers ask for a token each as they start; at the usual 20 requests a second that takes 4 s.
    "--kube-api-qps=300",
    "--kube-api-burst=600",
    `--service-account-private-key-file=${pkiPath(settings, "service-accounts.key")}`,
    `--root-ca-file=${pkiPath(settings, "ca.crt")}`,
    `--cluster-signing-cert-file=${pkiPath(settings, "ca.crt")}`,
    `--cluster-signing-key-file=${pkiPath(settings, "ca.key")}`,
    `--service-cluster-ip-range=${settings.plan.serviceCidr}`,
  ],
  "kube-scheduler": (settings) => clientFlags(settings, "kube-scheduler"),
  containerd: (settings) => [`--config=${configPath(settings, "containerd.toml")}`],
  kubelet: (settings) => [
    `--config=${configPath(settings, "kubelet.yaml")}`,
    `--kubeconfig=${pkiPath(settings, "kubelet.kubeconfig")}`,
    `--hostname-override=${settings.nodeName}`,
    `--node-ip=${settings.plan.nodeIp}`,
  ],
  "kube-proxy": (settings) => [`--config=${configPath(settings, "kube-proxy.yaml")}`],
  "node-agent": (settings) => [
    `--max-old-space-size=${memoryMiB["node-agent"]}`,
    nodeAgentProgram,
    `--kubeconfig=${pkiPath(settings, "node-agent.kubeconfig")}`,
    `--node=${settings.nodeName}`,
    `--volumes-folder=${settings.volumesFolder}`,
    `--volumes-path=${volumesPath}`,
    `--addresses=${loadBalancerAddresses(settings.plan).join(",")}`,
  ],
};

/** One node has one of each, so there is nobody to elect a leader among; electing costs a lease every 2 s. */
function clientFlags(settings: NodeSettings, name: ComponentName): string[] {
  const file = pkiPath(settings, `${name}.kubeconfig`);
  return [
    `--kubeconfig=${file}`,
    `--authentication-kubeconfig=${file}`,
    `--authorization-kubeconfig=${file}`,
    "--bind-address=127.0.0.1",
    "--leader-elect=false",
  ];
}
