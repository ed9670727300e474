import { type Placement, reachableAt } from "./placement.ts";

/** What a mesh that is ready offers. */
export interface Offer {
  /** The storefront. */
  readonly storefront: string | undefined;
  /** The gRPC address of each service. */
  readonly grpc: Readonly<Record<string, string>>;
  /** A command to copy. */
  readonly tryIt: string | undefined;
}

export function offerOf(placements: readonly Placement[]): Offer {
  const find = (name: string) => placements.find(({ service }) => service.name === name);
  const marketplace = find("marketplace");
  const recommendations = find("recommendations");
  return {
    storefront: marketplace && `http://${reachableAt(marketplace, "HTTP_PORT")}`,
    grpc: Object.fromEntries(placements.map((placement) => [placement.service.name, reachableAt(placement)])),
    tryIt: recommendations && recommendCommand(reachableAt(recommendations)),
  };
}

/** The offer, laid out for a terminal. */
export function welcome({ storefront, grpc, tryIt }: Offer, readyInMs: number): string {
  const nameWidth = Math.max("storefront".length, ...Object.keys(grpc).map((name) => name.length));
  const addressWidth = Math.max(...Object.values(grpc).map((address) => address.length));
  const row = (name: string, address: string) => `  ${name.padEnd(nameWidth)}  ${address}`;
  const lines = [`ready in ${readyInMs} ms`, ""];
  if (storefront !== undefined) lines.push(row("storefront", storefront));
  for (const [name, address] of Object.entries(grpc)) lines.push(row(name, `${address.padEnd(addressWidth)}  (gRPC)`));
  if (tryIt !== undefined) lines.push("", "  Ask for three mysteries:", "", `  ${tryIt}`);
  lines.push("", "  Ctrl-C stops everything.", "");
  return `\n${lines.join("\n")}\n`;
}

function recommendCommand(address: string): string {
  const request = JSON.stringify({ category: "BOOK_CATEGORY_MYSTERY", max_results: 3 });
  return `grpcurl -plaintext -d '${request}' ${address} bookstore.recommendations.v1.RecommendationsService/Recommend`;
}
