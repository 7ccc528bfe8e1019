import { BlockList, isIP } from "node:net";
import type { Environment } from "@marcbachmann/cel-js";
import { isCidr, isIpv4, isIpv6 } from "@threeport/resource";

class CelUrl {
  readonly url: URL;
  constructor(url: URL) {
    this.url = url;
  }
}

class CelIp {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

class CelCidr {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** URLs, IP addresses and CIDR ranges as Kubernetes offers them. */
export function registerNetwork(environment: Environment): void {
  environment
    .registerType("net.URL", { ctor: CelUrl, fields: {} })
    .registerFunction("isURL(string): bool", (text: string) => absoluteUrl(text) !== undefined)
    .registerFunction("url(string): net.URL", (text: string) => {
      const url = absoluteUrl(text);
      if (url === undefined) throw new SyntaxError(`URL parse error: ${text.slice(0, 100)}`);
      return new CelUrl(url);
    })
    .registerFunction("net.URL.getScheme(): string", ({ url }: CelUrl) => url.protocol.replace(/:$/, ""))
    .registerFunction("net.URL.getHost(): string", ({ url }: CelUrl) => url.host)
    .registerFunction("net.URL.getHostname(): string", ({ url }: CelUrl) => url.hostname.replace(/^\[(.*)\]$/, "$1"))
    .registerFunction("net.URL.getPort(): string", ({ url }: CelUrl) => url.port)
    .registerFunction("net.URL.getEscapedPath(): string", ({ url }: CelUrl) => url.pathname)
    .registerFunction(
      "net.URL.getQuery(): map<string, list<string>>",
      ({ url }: CelUrl) => new Map([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)])),
    )

    .registerType("net.IP", { ctor: CelIp, fields: {} })
    .registerFunction("isIP(string): bool", isAddress)
    .registerFunction("ip(string): net.IP", (text: string) => {
      if (!isAddress(text)) throw new SyntaxError(`IP Address ${JSON.stringify(text.slice(0, 100))} parse error`);
      return new CelIp(canonicalIp(text));
    })
    .registerFunction("net.IP.family(): int", ({ text }: CelIp) => BigInt(isIP(text)))
    .registerFunction("net.IP.isUnspecified(): bool", ({ text }: CelIp) => text === "0.0.0.0" || text === "::")
    .registerFunction("net.IP.isLoopback(): bool", ({ text }: CelIp) => within(text, "127.0.0.0/8") || text === "::1")
    .registerFunction("net.IP.isLinkLocalMulticast(): bool", ({ text }: CelIp) => within(text, "224.0.0.0/24") || within(text, "ff02::/16"))
    .registerFunction("net.IP.isLinkLocalUnicast(): bool", ({ text }: CelIp) => within(text, "169.254.0.0/16") || within(text, "fe80::/10"))
    .registerFunction(
      "net.IP.isGlobalUnicast(): bool",
      ({ text }: CelIp) =>
        !["0.0.0.0", "255.255.255.255", "::", "::1"].includes(text) &&
        !["127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "ff00::/8", "fe80::/10"].some((range) => within(text, range)),
    )
    .registerFunction("string(net.IP): string", ({ text }: CelIp) => text)
    .registerOperator("net.IP == net.IP", (a: CelIp, b: CelIp) => a.text === b.text)

    .registerType("net.CIDR", { ctor: CelCidr, fields: {} })
    .registerFunction("isCIDR(string): bool", isCidr)
    .registerFunction("cidr(string): net.CIDR", (text: string) => {
      if (!isCidr(text)) throw new SyntaxError(`network address parse error: ${text.slice(0, 100)}`);
      return new CelCidr(text);
    })
    .registerFunction("net.CIDR.containsIP(net.IP): bool", (range: CelCidr, address: CelIp) => within(address.text, range.text))
    .registerFunction("net.CIDR.containsIP(string): bool", (range: CelCidr, address: string) => within(address, range.text))
    .registerFunction("net.CIDR.containsCIDR(net.CIDR): bool", (range: CelCidr, other: CelCidr) => rangeWithin(other.text, range.text))
    .registerFunction("net.CIDR.containsCIDR(string): bool", (range: CelCidr, other: string) => rangeWithin(other, range.text))
    .registerFunction("net.CIDR.ip(): net.IP", ({ text }: CelCidr) => new CelIp(canonicalIp(addressOf(text))))
    .registerFunction("net.CIDR.prefixLength(): int", ({ text }: CelCidr) => BigInt(prefixOf(text)))
    .registerFunction("string(net.CIDR): string", ({ text }: CelCidr) => text)
    .registerOperator("net.CIDR == net.CIDR", (a: CelCidr, b: CelCidr) => a.text === b.text);
}

function absoluteUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return text.startsWith("/") && URL.canParse(text, "http://localhost") ? new URL(text, "http://localhost") : undefined;
  return new URL(text);
}

function isAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

function canonicalIp(text: string): string {
  return isIpv4(text) ? text : new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

function addressOf(range: string): string {
  return range.slice(0, range.indexOf("/"));
}

function prefixOf(range: string): number {
  return Number(range.slice(range.indexOf("/") + 1));
}

function within(address: string, range: string): boolean {
  const family = (text: string) => (isIpv4(text) ? "ipv4" : "ipv6");
  if (!isAddress(address) || family(address) !== family(addressOf(range))) return false;
  const list = new BlockList();
  list.addSubnet(addressOf(range), prefixOf(range), family(address));
  return list.check(address, family(address));
}

function rangeWithin(inner: string, outer: string): boolean {
  return isCidr(inner) && prefixOf(inner) >= prefixOf(outer) && within(addressOf(inner), outer);
}
