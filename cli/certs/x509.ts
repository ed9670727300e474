type X509 = typeof import("@peculiar/x509");

/**
 * The library that makes certificates. On first use: it costs a tenth of a second
 * and 20 MB, which commands that only read certificates are spared.
 */
export async function loadX509(): Promise<X509> {
  // Its container asks what constructors take, by an API that only a polyfill has. None of its classes takes anything.
  if (!("getMetadata" in Reflect)) Object.assign(Reflect, { getMetadata: nothing, getOwnMetadata: nothing });
  return await import("@peculiar/x509");
}

function nothing(): undefined {}
