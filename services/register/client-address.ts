import { isIP } from "node:net";

/** IPv4 in IPv6, as URL writes it: "::ffff:a00:1" */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * What stands for whoever is at an IP address: the address itself, or for IPv6
 * its first 64 bits, the least that a network gives to one customer.
 *
 * @returns the same for all ways to write it; undefined if it is no IP address.
 */
export function clientKey(address: string): string | undefined {
  const [bare = ""] = address.split("%");
  const kind = isIP(bare);
  if (kind !== 6) return kind === 4 ? bare : undefined;
  // The parser of URLs writes every address in one way only (RFC 5952).
  const canonical = new URL(`http://[${bare}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(canonical) ?? [];
  if (high !== undefined && low !== undefined) return ipv4Of(Number.parseInt(high, 16), Number.parseInt(low, 16));
  const [head = "", tail] = canonical.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = new Array(8 - left.length - right.length).fill("0");
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}

function ipv4Of(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}
