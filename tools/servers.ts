/** The servers of contracts whose names do not tell. */
const SERVERS: Readonly<Record<string, readonly string[]>> = {
  "envoy.service.discovery.v3.AggregatedDiscoveryService": ["registry"],
  "bookstore.events.v1.EventLogService": ["orders", "register", "reviews"],
  "bookstore.events.v1.EventConsumerService": ["documents", "orders", "push", "recommendations", "reviews"],
};

/**
 * Which services serve a contract, by its full name: "bookstore.register.v1.SessionService" is register's.
 *
 * The tutorial's contract has no package: "Recommendations" is of recommendations.
 */
export function serversOf(contract: string): readonly string[] {
  const segments = contract.split(".");
  return SERVERS[contract] ?? [segments.at(-3) ?? contract.toLowerCase()];
}
