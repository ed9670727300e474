import { hostAndPort } from "../../runtime/host-port.ts";
import type { InstanceView, ServiceView } from "./catalog-view.ts";
import type { Endpoint, RoutedService, VersionShare } from "./routing.ts";
import type { Rules } from "./traffic.ts";

/** What clients are told of a service on which these rules are set. */
export function routedService({ name, grpcServices, instances }: ServiceView, rules: Rules): RoutedService {
  const called = new Map<string, InstanceView>();
  for (const view of instances) {
    if (!view.inEndpoints || view.instance.protocol !== "grpc") continue;
    // Two in one place: the later one is really there, the other one has not been missed yet.
    const place = hostAndPort(view.instance.address, view.instance.port);
    const other = called.get(place);
    if (other === undefined || other.registeredAt <= view.registeredAt) called.set(place, view);
  }
  const endpoints = [...called.values()].map(({ instance }): Endpoint => {
    const { address, port, version, zone, weight } = instance;
    return { address, port, version, zone, weight };
  });
  const there = new Set(endpoints.map(({ version }) => version));
  return {
    name,
    grpcServices,
    endpoints,
    split: splitBetween(rules.split, there),
    fault: rules.fault,
    balancing: rules.balancing ?? { policy: "round-robin" },
  };
}

/**
 * A split as it can be kept: the share of a version without an endpoint goes to
 * the others, in proportion to theirs.
 *
 * Otherwise its share of the calls would fail, while the other versions stand
 * ready: whoever shifts traffic means "how much of it", not "fail if it is gone".
 * A version that is gone keeps its place, with 0 percent, and gets its share back
 * when it is back. If all of them are gone there is no split: who is left, of
 * whatever version, is better than nobody.
 *
 * @param there the versions that have endpoints.
 * @returns shares that add up to 100; none if none of the versions is there.
 */
export function splitBetween(split: readonly VersionShare[], there: ReadonlySet<string>): readonly VersionShare[] {
  const present = split.filter(({ version }) => there.has(version));
  if (present.length === split.length) return split;
  if (present.length === 0) return [];
  const sum = present.reduce((total, { percent }) => total + percent, 0);
  // All that is left was to get nothing: then it gets everything, in equal parts.
  const exact = present.map(({ version, percent }) => ({
    version,
    share: sum === 0 ? 100 / present.length : (percent * 100) / sum,
  }));
  const rounded = new Map(exact.map(({ version, share }) => [version, Math.floor(share)]));
  // What rounding down has left over goes to those that lost most by it.
  let left = 100 - [...rounded.values()].reduce((total, percent) => total + percent, 0);
  const byLoss = exact.toSorted((a, b) => (b.share % 1) - (a.share % 1));
  for (const { version } of byLoss) {
    if (left-- > 0) rounded.set(version, (rounded.get(version) ?? 0) + 1);
  }
  return split.map(({ version }) => ({ version, percent: rounded.get(version) ?? 0 }));
}
