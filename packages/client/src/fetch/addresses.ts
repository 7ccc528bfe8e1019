import { BlockList, isIP } from "node:net";

/**
 * Addresses that nobody on the internet has: this machine, private networks, link-local ones (a cloud's metadata service among them), multicast, and
 * what is kept for documentation and tests. Source: the IANA registries of special-purpose addresses (RFC 6890 and what updates it).
 */
const special = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
  "::/127",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "fc00::/7",
  "fe80::/10",
  "ff00::/8",
];

const specialList = blockList(special);

/** Whether an address is one of the internet, or in one of the operator's ranges. IPv4 in an IPv6 address is read as that IPv4. */
export function isPublicAddress(address: string, allowed: BlockList): boolean {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  return allowed.check(plain, family) || !specialList.check(plain, family);
}

/** @param ranges in CIDR form. @throws TypeError on one that is none */
export function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix = ""] = range.split("/");
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
