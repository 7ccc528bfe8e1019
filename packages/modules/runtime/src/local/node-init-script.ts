/** Where the kubelet, and so every volume that names it, sees the folder of volumes: the same in each node, wherever it is on the machine. */
export const volumesPath = "/var/lib/threeport/volumes";

/**
 * Process 1 of the node: arranges its mounts, says that it is ready, then lives to reap orphans. Arguments: state folder,
 * binaries' folder, node name, ready file (it gets init's process number as the host sees it), folder of volumes.
 *
 * - New mounts spread inside the node (pods may ask for that), never out to the host.
 * - /run, /var/lib and /var/log are empty and private: nothing of the node (sockets, CNI's and the kubelet's files, named
 *   network namespaces) lands on the host, and two nodes never meet. What we need from below them is mounted back.
 * - The kubelet insists on some settings of the whole machine and would write them. It finds them as it wants them, in
 *   files laid over the real ones, and the machine keeps its own.
 */
export const nodeInitScript = `set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
state=$1 binaries=$2 name=$3 ready=$4 volumes=$5
read -r pid _ </proc/self/stat # /proc is still the host's
echo "$name" >/proc/sys/kernel/hostname
mount --make-rshared /
mount -t proc proc /proc

exec 7<"$volumes" 8<"$state" 9<"$binaries"
for folder in /run /var/lib /var/log; do
  mount -t tmpfs -o mode=0755 threeport "$folder"
done
for pair in "8 $state" "9 $binaries"; do
  path=\${pair#* }
  case $path in
  /run/* | /var/lib/* | /var/log/*)
    mkdir -p "$path"
    mount --no-canonicalize --bind "/proc/self/fd/\${pair%% *}" "$path"
    ;;
  esac
done
mkdir -p ${volumesPath}
mount --no-canonicalize --bind /proc/self/fd/7 ${volumesPath}
exec 7<&- 8<&- 9<&-

for pair in containerd:/var/lib/containerd kubelet:/var/lib/kubelet pod-logs:/var/log/pods; do
  mkdir -p "\${pair#*:}"
  mount --bind "$state/\${pair%%:*}" "\${pair#*:}"
done

# The node has no way to a DNS server outside; nobody listens here, so that a pull of an unknown image fails at once and
# says so, where an unreachable server would keep it for a minute.
resolver=$(readlink -m /etc/resolv.conf)
case $resolver in /run/*) mkdir -p "\${resolver%/*}"; : >"$resolver" ;; esac
printf 'nameserver 127.0.0.1\\noptions timeout:1 attempts:1\\n' >/run/resolv.conf
[ ! -e "$resolver" ] || mount --bind /run/resolv.conf "$resolver"

mkdir -p /run/tunables
for tunable in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \\
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  real=/proc/sys/\${tunable%%=*}
  shown=/run/tunables/\${real##*/}
  [ -e "$real" ] || continue
  echo "\${tunable#*=}" >"$shown"
  mount --bind "$shown" "$real"
done

echo 1 >/proc/sys/net/ipv4/ip_forward
bridged=/proc/sys/net/bridge/bridge-nf-call-iptables
[ ! -e $bridged ] || echo 1 >$bridged
ip link set lo up

echo "$pid" >"$ready.partial"
mv "$ready.partial" "$ready"
while :; do
  sleep 86400 &
  wait "$!" || :
done
`;
