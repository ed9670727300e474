import { isIPv4, isIPv6 } from "node:net";

/** How IPv4 addresses look to a server that listens on IPv6: ::ffff:0:0/96 (RFC 4291, section 2.5.5.2). */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * An IP address in the one form that it has here: IPv4 in decimals, IPv6 as
 * RFC 5952 writes it, IPv4 in IPv6 as IPv4.
 *
 * @returns undefined for what is no IP address, or has a zone, which means something on one machine only.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
}

/** Whether an address, in canonical form, means "all addresses of this machine": one can listen on it, but not call it. */
export function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/**
 * The address in what gRPC says of the peer of a call: "192.0.2.1:5000",
 * "[2001:db8::1]:5000", or "2001:db8::1:5000", as grpc-js writes it.
 *
 * @returns undefined for a peer without one, as on a Unix socket.
 */
export function addressOfPeer(peer: string): string | undefined {
  const [, address = ""] = /^\[?([^\]]*)\]?:\d+$/.exec(peer) ?? [];
  return canonicalAddress(address);
}
