import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

/**
 * The address of every registry there is now, each as "ip:port".
 *
 * A name may stand for several: the headless Service of a cluster, for one, has
 * an address for each pod that is ready. A name that cannot be resolved has none.
 *
 * @param registries "host:port" of each.
 */
export async function registryAddresses(registries: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    registries.map(async (registry) => {
      const { hostname, port } = new URL(`tcp://${registry}`);
      const addresses = await resolve(hostname.replace(/^\[|\]$/g, ""));
      return addresses.map((address) => (isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`));
    }),
  );
  return [...new Set(found.flat())];
}

async function resolve(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const all = await lookup(host, { all: true });
    // With both families they are two addresses of the same servers, as of "localhost".
    const v4 = all.filter(({ family }) => family === 4);
    return (v4.length > 0 ? v4 : all).map(({ address }) => address);
  } catch {
    return [];
  }
}
