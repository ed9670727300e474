import { grpcurlAs } from "./grpcurl.ts";
import { type Placement, REGISTRY, reachableAt } from "./placement.ts";

/** What a mesh that is ready offers. */
export interface Offer {
  /** The storefront. */
  readonly storefront: string | undefined;
  /** The pages of the registry. */
  readonly dashboard: string | undefined;
  /** The gRPC address of each process. */
  readonly grpc: Readonly<Record<string, string>>;
  /** A command to copy. */
  readonly tryIt: string | undefined;
}

/** @param credentials the folder of whoever is to try it: the operator of the mesh. */
export function offerOf(placements: readonly Placement[], credentials: string): Offer {
  const find = (name: string) => placements.find(({ service }) => service.name === name);
  const page = (name: string) => {
    const placement = find(name);
    return placement?.ports.HTTP_PORT === undefined ? undefined : `http://${reachableAt(placement, "HTTP_PORT")}`;
  };
  const recommendations = find("recommendations");
  return {
    storefront: page("marketplace"),
    dashboard: page(REGISTRY),
    grpc: Object.fromEntries(placements.map((placement) => [placement.name, reachableAt(placement)])),
    tryIt: recommendations && recommendCommand(reachableAt(recommendations), credentials),
  };
}

/** The offer, laid out for a terminal. */
export function welcome({ storefront, dashboard, grpc, tryIt }: Offer, readyInMs: number): string {
  const nameWidth = Math.max("storefront".length, ...Object.keys(grpc).map((name) => name.length));
  const addressWidth = Math.max(...Object.values(grpc).map((address) => address.length));
  const row = (name: string, address: string) => `  ${name.padEnd(nameWidth)}  ${address}`;
  const lines = [`ready in ${readyInMs} ms`, ""];
  if (storefront !== undefined) lines.push(row("storefront", storefront));
  if (dashboard !== undefined) lines.push(row("dashboard", dashboard));
  for (const [name, address] of Object.entries(grpc)) lines.push(row(name, `${address.padEnd(addressWidth)}  (gRPC)`));
  if (tryIt !== undefined) lines.push("", "  Ask for three mysteries:", "", `  ${tryIt}`);
  lines.push("", "  Ctrl-C stops everything.", "");
  return `\n${lines.join("\n")}\n`;
}

function recommendCommand(address: string, credentials: string): string {
  const request = JSON.stringify({ category: "BOOK_CATEGORY_MYSTERY", max_results: 3 });
  return `${grpcurlAs(credentials)} -d '${request}' ${address} bookstore.recommendations.v1.RecommendationsService/Recommend`;
}
