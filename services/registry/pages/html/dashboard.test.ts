import { Health, Protocol } from "../../../../gen/mesh/registry/v1/instance.ts";
import { ClientState, RegistryState } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { BalancingPolicy } from "../../../../gen/mesh/registry/v1/traffic_service.ts";
import type { PagesDeps } from "../server.ts";
import { GONE, instance, NEW, openPages, service } from "../testing.ts";

const HOSTILE = [
  "</title></h1><script>canary()</script>",
  `"><img src=x onerror=canary()>`,
  "' autofocus onfocus='canary()",
  "javascript:canary()",
  "&lt;canary&gt; &#x3c;canary>",
  "{{canary}} #{canary} <%= canary %> <!-- canary",
  "\u202ecanary\u0000\ud800",
];
const HARMLESS = "canary";

async function pageOf(deps: Partial<PagesDeps>): Promise<string> {
  await using server = await openPages(deps);
  const answer = await server.fetch("/");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  return answer.text();
}

/** What stands in the row of a table, as a person reads it, by the names of the columns. */
function rowOf(page: string, name: string): Record<string, string> {
  const row = page.split("<tr").find((part) => textOf(part.split("</th>")[0] ?? "").includes(name)) ?? "";
  const cells = [...row.matchAll(/<td role="cell" data-name="([^"]*)"[^>]*>(.*?)<\/td>/gs)];
  return Object.fromEntries(cells.map(([, column = "", cell = ""]) => [column, textOf(cell)]));
}

function textOf(markup: string): string {
  return markup
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** What a page is made of, without what it says. */
function skeletonOf(page: string): string {
  return page.replace(/"[^"]*"/g, '""').replace(/>[^<]*/g, ">");
}

function secondsAgo(seconds: number): Date {
  return new Date(Date.now() - seconds * 1_000);
}

test("shows where an instance is, how it fares and what it serves", async () => {
  const rates = [
    { caller: "gateway", method: "/a.A/B", callsPerSecond: 30, failedShare: 0.1, p95Latency: { nanos: 12_000_000 } },
    { caller: "marketplace", method: "/a.A/C", callsPerSecond: 10, failedShare: 0, p95Latency: { nanos: 800_000 } },
  ];
  const identity = {
    ...{ id: "orders-1", address: "2001:db8::1", port: 50055, protocol: Protocol.PROTOCOL_GRPC },
    ...{ version: "v2", zone: "europe-b", weight: 3 },
  };
  const orders = instance(1, { instance: identity, lastCheckTime: secondsAgo(3), load: { callsInFlight: 2, rates } });

  const page = await pageOf({ services: () => [service("orders", { instances: [orders] })] });

  expect(page).toContain('<h2 id="service-orders">orders</h2>');
  expect(page).toContain("gRPC [2001:db8::1]:50055");
  expect(rowOf(page, "orders-1")).toEqual({
    Version: "v2",
    Zone: "europe-b",
    Weight: "3",
    Health: "✓ healthy 3 s ago",
    Endpoints: "✓ in",
    "Calls/s": "40",
    Failed: "✕ 7.5%",
    p95: "12 ms",
  });
});

test.each([
  ["never asked", () => NEW, "· unknown not asked yet", "· out not asked yet"],
  [
    "silent",
    () => ({ ...GONE, lastCheckTime: secondsAgo(90) }),
    "✕ unavailable connection refused 1 min ago",
    "· out unavailable",
  ],
  [
    "unhealthy",
    () => ({ health: Health.HEALTH_UNHEALTHY, inEndpoints: false, problem: "it answers 500", lastCheckTime: secondsAgo(7_200) }),
    "✕ unhealthy it answers 500 2 h ago",
    "· out unhealthy",
  ],
  [
    "ejected",
    () => ({ inEndpoints: false, ejected: true, lastCheckTime: secondsAgo(1) }),
    "✓ healthy 1 s ago",
    "! out ejected by hand",
  ],
  [
    "called in a panic",
    () => ({ ...GONE, inEndpoints: true, lastCheckTime: secondsAgo(0) }),
    "✕ unavailable connection refused 0 s ago",
    "! in panic: nobody is healthy",
  ],
])("says why calls do or do not go to an instance that is %s", async (_what, says, health, endpoints) => {
  const page = await pageOf({ services: () => [service("orders", { instances: [instance(1, says())] })] });

  expect(rowOf(page, "192.0.2.1:8000")).toMatchObject({
    Health: health,
    Endpoints: endpoints,
    "Calls/s": "–",
    Failed: "–",
    p95: "–",
  });
});

test("says in words what is set for the traffic of a service", async () => {
  const traffic = {
    split: [
      { version: "v1", percent: 90 },
      { version: "v2", percent: 10 },
    ],
    fault: { percent: 20, delay: { nanos: 200_000_000 }, abortCode: 14 },
    balancing: { policy: BalancingPolicy.BALANCING_POLICY_RING_HASH, hashHeader: "x-user" },
    ejectedInstanceIds: ["i1", "i9"],
  };

  const page = await pageOf({ services: () => [service("orders", { traffic, instances: [instance(1)] })] });

  const rules = [...page.matchAll(/<li><bdi>(.*?)<\/bdi><\/li>/g)].map(([, rule]) => rule);
  expect(rules).toEqual([
    "Calls are split: 90% to v1, 10% to v2.",
    "Fault: 20% of the calls are held back for 200 ms.",
    "Fault: 20% of the calls fail with UNAVAILABLE without being sent.",
    "Calls with the same x-user header go to the same instance (ring hash).",
    "Taken out by hand: i1, i9 (not registered).",
  ]);
});

test("has words for every way of balancing", async () => {
  const policies = Object.values(BalancingPolicy).filter((policy) => policy > 0);
  const page = await pageOf({
    services: () => policies.map((policy) => service(`s${policy}`, { traffic: { balancing: { policy, hashHeader: "x" } } })),
  });

  expect(new Set(page.match(/<bdi>[^<]*\([a-z ]+\)\.<\/bdi>/g)).size).toBe(6);
});

test("raises the alarm for a service in panic, and shows a service without instances", async () => {
  const page = await pageOf({
    services: () => [
      service("empty"),
      service("orders", { panic: true, instances: [instance(1, { ...GONE, inEndpoints: true })] }),
    ],
  });

  expect(page).toContain("No instance is healthy, so callers are sent to all of them");
  expect(page).toContain("No instance is registered.");
  const index = page.slice(page.indexOf('<ul class="index">'), page.indexOf("</ul>"));
  expect(textOf(index)).toBe("empty ✕ no instance 0 calls/s orders ✕ panic 0 calls/s");
});

test("shows who calls whom, all instances together, busiest first", async () => {
  const load = (caller: string, callsPerSecond: number, failedShare = 0) => ({
    load: {
      rates: [{ caller, method: "/shop.Orders/Place", callsPerSecond, failedShare, p95Latency: { seconds: 1n, nanos: 5e8 } }],
    },
  });

  const page = await pageOf({
    services: () => [
      service("orders", { instances: [instance(1, load("gateway", 1)), instance(2, load("gateway", 2.5, 0.0001))] }),
      service("users", { instances: [instance(3, load("orders", 1_234.5))] }),
    ],
  });

  const part = page.slice(page.indexOf('<h2 id="calls">'), page.indexOf('<h2 id="clients">'));
  const rows = part
    .split("<tr")
    .slice(2)
    .map((row) => textOf(`<${row.split("</tr>")[0]}`));
  expect(rows).toEqual([
    "orders users /shop.Orders/Place 1,235 0% 1.5 s",
    "gateway orders /shop.Orders/Place 3.5 ✕ <0.1% 1.5 s".replace("<", "&#60;"),
  ]);
  expect(part).toContain('<a href="#service-orders"><bdi>orders</bdi></a>');
});

test("marks a client that refuses what it is sent, with its reason", async () => {
  const accepted = { type: "Listener", resources: 2, acceptedVersion: "7", sentVersion: "7" };
  const refusal = { version: "8", reason: "unknown policy", time: secondsAgo(5) };
  const clients = [
    ClientState.fromPartial({
      ...{ nodeId: "gateway-1", cluster: "gateway", userAgent: "gRPC Go 1.70", connectTime: secondsAgo(300) },
      subscriptions: [accepted, { type: "Cluster", resources: 1, acceptedVersion: "7", sentVersion: "8", refusal }],
    }),
    ClientState.fromPartial({ nodeId: "gateway-2", subscriptions: [accepted] }),
  ];

  const page = await pageOf({ clients: () => clients });

  expect(rowOf(page, "gateway-1")).toEqual({
    Service: "gateway",
    Program: "gRPC Go 1.70",
    Connected: "5 min",
    "What it knows": "✓ up to date Listener 2 resources ✕ refused (NACK) Cluster 1 resource version 8 : unknown policy 5 s ago",
  });
  expect(rowOf(page, "gateway-2")).toMatchObject({ "What it knows": "✓ up to date Listener 2 resources" });
  expect(page).toContain("<title>(1) Bookmesh registry</title>");
});

test("says which registry it is, and since when it runs", async () => {
  const registry = RegistryState.fromPartial({ id: "registry-2", description: "Zone b.", startTime: secondsAgo(3 * 86_400) });

  const page = textOf(await pageOf({ registry: () => registry }));

  expect(page).toContain("registry-2 Zone b. Running for 3 days .");
  expect(page).toContain("No service has registered yet.");
  expect(page).toContain("No client is connected.");
});

test.each(HOSTILE)("shows everything that others have said as text: %j", async (hostile) => {
  const saying = (text: string): Partial<PagesDeps> => ({
    registry: () => RegistryState.fromPartial({ id: text, description: text }),
    services: () => [
      service(text, {
        traffic: {
          split: [{ version: text, percent: 100 }],
          balancing: { policy: BalancingPolicy.BALANCING_POLICY_RING_HASH, hashHeader: text },
          ejectedInstanceIds: [text],
        },
        instances: [
          instance(1, {
            ...GONE,
            problem: text,
            instance: { id: text, address: text, version: text, zone: text, metadata: new Map([[text, text]]) },
            load: { rates: [{ caller: text, method: text, callsPerSecond: 1 }] },
          }),
        ],
      }),
    ],
    clients: () => [
      ClientState.fromPartial({
        ...{ nodeId: text, cluster: text, userAgent: text },
        subscriptions: [{ type: text, acceptedVersion: text, sentVersion: text, refusal: { version: text, reason: text } }],
      }),
    ],
  });

  const page = await pageOf(saying(hostile));

  expect(page).toContain("canary");
  expect(skeletonOf(page)).toBe(skeletonOf(await pageOf(saying(HARMLESS))));
});

test("has no inline script, style or handler, and no address elsewhere", async () => {
  const page = await pageOf({ services: () => [service("orders", { instances: [instance(1)] })] });

  expect(page).toMatch(/^<!doctype html>/);
  expect(page).not.toMatch(/<script(?! src="\/assets\/refresh\.js" defer><\/script>)|<style|<iframe|<base|\sstyle=|\son[a-z]+=/i);
  const addresses = [...page.matchAll(/\s(?:href|src|action)="([^"]*)"/g)].map(([, address]) => address);
  expect(addresses.length).toBeGreaterThan(5);
  expect(addresses.filter((address) => !/^(\/(?!\/)|#)/.test(address ?? ""))).toEqual([]);
});

test("gives every table a caption and every cell its headings", async () => {
  const rates = [{ caller: "gateway", method: "/a.A/B", callsPerSecond: 1 }];
  const page = await pageOf({
    services: () => [service("orders", { instances: [instance(1, { load: { rates } })] })],
    clients: () => [ClientState.fromPartial({ nodeId: "a" })],
  });

  const tables = page
    .split("<table")
    .slice(1)
    .map((part) => part.split("</table>")[0] ?? "");
  expect(tables).toHaveLength(3);
  for (const table of tables) {
    expect(table).toMatch(/<caption>\S.*<\/caption>/);
    const [head = "", ...rows] = table.split("<tr").slice(1);
    const columns = head.split('<th scope="col"').length - 1;
    for (const row of rows) expect(row.match(/<th scope="row"|<td role="cell"/g)).toHaveLength(columns);
  }
});

test("shows numbers and times that make no sense as not known", async () => {
  const broken = instance(1, {
    lastCheckTime: new Date(Number.NaN),
    load: { rates: [{ caller: "a", method: "b", callsPerSecond: Number.NaN, failedShare: Number.POSITIVE_INFINITY }] },
  });

  const page = await pageOf({ services: () => [service("orders", { instances: [broken] })] });

  expect(page).not.toMatch(/NaN|Infinity|Invalid|undefined|null/);
});

test("shows those that need attention first where there are more than anybody reads", async () => {
  const instances = Array.from({ length: 150 }, (_, index) => instance(index, index === 140 ? GONE : {}));

  const page = await pageOf({ services: () => [service("orders", { instances })] });

  expect(page).toContain("192.0.2.140:8000");
  expect(page).not.toContain("192.0.2.120:8000");
  expect(page).toContain("and 50 more");
});

test("cuts what others have said at a length that can be read", async () => {
  const page = await pageOf({
    services: () => [service("orders", { instances: [instance(1, { ...GONE, problem: "x".repeat(100_000) })] })],
  });

  expect(page.length).toBeLessThan(10_000);
});

test("looks once for all who ask at the same time", async () => {
  let looks = 0;
  await using server = await openPages({
    services: () => {
      looks++;
      return [];
    },
  });

  await Promise.all(Array.from({ length: 20 }, () => server.fetch("/")));

  expect(looks).toBeLessThan(5);
});
