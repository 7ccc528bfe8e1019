import { cniVersion, containerdVersion, corednsVersion, etcdVersion, kubernetesPrograms, kubernetesVersion } from "./go-modules.ts";

export type ReleaseArchitecture = "amd64" | "arm64";

/** A file of an official release. */
export interface ReleaseFile {
  /** Address without its scheme: `host/path`. */
  readonly address: string;
  /** The file, of the same publisher, that holds its SHA-256. */
  readonly sums: string;
  /** Binary → its path in the archive. Without an archive, the file is the one binary. */
  readonly binaries: Readonly<Record<string, string>>;
  readonly isArchive: boolean;
}

/** Release files of the versions that a build takes (go-modules.ts), for Linux. */
export function releaseFiles(architecture: ReleaseArchitecture): readonly ReleaseFile[] {
  const github = (repository: string, version: string, file: string) => `github.com/${repository}/releases/download/${version}/${file}`;
  const programs = kubernetesPrograms.map((program): ReleaseFile => {
    const address = `dl.k8s.io/release/${kubernetesVersion}/bin/linux/${architecture}/${program}`;
    return { address, sums: `${address}.sha256`, binaries: { [program]: "" }, isArchive: false };
  });
  const etcd = `etcd-${etcdVersion}-linux-${architecture}`;
  // The other containerd of the same release needs the glibc of its builders.
  const containerd = `containerd-static-${containerdVersion.slice(1)}-linux-${architecture}.tar.gz`;
  const cni = `cni-plugins-linux-${architecture}-${cniVersion}.tgz`;
  const coredns = `coredns_${corednsVersion.slice(1)}_linux_${architecture}.tgz`;
  return [
    ...programs,
    {
      address: github("etcd-io/etcd", etcdVersion, `${etcd}.tar.gz`),
      sums: github("etcd-io/etcd", etcdVersion, "SHA256SUMS"),
      binaries: { etcd: `${etcd}/etcd` },
      isArchive: true,
    },
    {
      address: github("containerd/containerd", containerdVersion, containerd),
      sums: github("containerd/containerd", containerdVersion, `${containerd}.sha256sum`),
      binaries: Object.fromEntries(["containerd", "containerd-shim-runc-v2", "ctr"].map((name) => [name, `bin/${name}`])),
      isArchive: true,
    },
    {
      address: github("containernetworking/plugins", cniVersion, cni),
      sums: github("containernetworking/plugins", cniVersion, `${cni}.sha256`),
      binaries: Object.fromEntries(["bridge", "loopback", "host-local", "portmap"].map((name) => [name, `./${name}`])),
      isArchive: true,
    },
    {
      address: github("coredns/coredns", corednsVersion, coredns),
      sums: github("coredns/coredns", corednsVersion, `${coredns}.sha256`),
      binaries: { coredns: "coredns" },
      isArchive: true,
    },
  ];
}

/** The sum of the file called `name`, from a list as sha256sum writes it, or from a file that holds nothing but the sum. */
export function sumOf(list: string, name: string): string | undefined {
  const lines = list.split("\n").flatMap((line) => {
    const [, sum = "", path = ""] = /^([0-9a-fA-F]{64})(?:\s+\*?(\S+))?\s*$/.exec(line) ?? [];
    return sum === "" ? [] : [{ sum: sum.toLowerCase(), path }];
  });
  const named = lines.find(({ path }) => path !== "" && path.split("/").at(-1) === name);
  return named?.sum ?? (lines.length === 1 && lines[0]?.path === "" ? lines[0].sum : undefined);
}
