import { hostForAll, placementsOf, reachableAt, registriesOf } from "./placement.ts";
import { parseReplicas } from "./replicas.ts";
import { services } from "./services.ts";

function placementOf(name: string, env: NodeJS.ProcessEnv) {
  const placement = placementsOf(services, env).find(({ service }) => service.name === name);
  if (placement === undefined) throw new Error(`no service ${name}`);
  return placement;
}

test("places every service on this machine only, at its default ports", () => {
  expect(placementsOf(services, {}).map(({ service, host, ports }) => [service.name, host, ...Object.values(ports)])).toEqual([
    ["registry", "127.0.0.1", 50050, 9050, 8500],
    ["register", "127.0.0.1", 50053, 9053, 5002],
    ["marketplace", "127.0.0.1", 50052, 9052, 5000],
    ["recommendations", "127.0.0.1", 50051, 9051],
    ["push", "127.0.0.1", 50054, 9054],
    ["orders", "127.0.0.1", 50055, 9055],
    ["reviews", "127.0.0.1", 50056, 9056],
    ["documents", "127.0.0.1", 50057, 9057],
  ]);
});

test("reads the ports of a service from the settings with its name", () => {
  const { ports } = placementOf("marketplace", {
    MARKETPLACE_PORT: "6052",
    MARKETPLACE_HTTP_PORT: "6000",
    PORT: "1",
    HTTP_PORT: "2",
  });

  expect(ports).toEqual({ PORT: 6052, ADMIN_PORT: 9052, HTTP_PORT: 6000 });
});

test("takes an empty setting for none", () => {
  expect(placementOf("push", { PUSH_PORT: "", PUSH_HOST: "" })).toMatchObject({ host: "127.0.0.1", ports: { PORT: 50054 } });
});

test("lists every setting that cannot be used", () => {
  const env = { PUSH_PORT: "7x", REGISTER_PORT: "50052", RECOMMENDATIONS_HOST: "localhost:50051" };

  expect(() => placementsOf(services, env)).toThrow(
    [
      "bad settings",
      "  RECOMMENDATIONS_HOST: expected the address on which recommendations listens, without a port",
      "  PUSH_PORT: 7x is not a port",
      "  port 50052 is given to REGISTER_PORT and MARKETPLACE_PORT",
    ].join("\n"),
  );
});

test.each([
  ["0.0.0.0", "0.0.0.0"],
  ["::1", "::1"],
  ["localhost", "localhost"],
  ["my-machine", undefined],
  ["", undefined],
])("HOST=%s is the address of all services: %s", (value, expected) => {
  expect(hostForAll({ HOST: value })).toBe(expected);
});

test("prefers the address of one service to that of all", () => {
  const env = { HOST: "0.0.0.0", PUSH_HOST: "127.0.0.2" };

  expect(placementOf("push", env).host).toBe("127.0.0.2");
  expect(placementOf("register", env).host).toBe("0.0.0.0");
});

test.each([
  ["127.0.0.1", "127.0.0.1:50054"],
  ["0.0.0.0", "127.0.0.1:50054"],
  ["::", "[::1]:50054"],
  ["::1", "[::1]:50054"],
  ["localhost", "localhost:50054"],
])("a service that listens on %s is reached at %s", (host, address) => {
  expect(reachableAt(placementOf("push", { PUSH_HOST: host }))).toBe(address);
});

test("gives the ports of a service to its first process without a version, and free ones to the others", () => {
  const replicas = parseReplicas(["marketplace@v2=1,marketplace=2"], services);
  const placements = placementsOf(services, { MARKETPLACE_HOST: "::1" }, replicas).filter(
    ({ service }) => service.name === "marketplace",
  );

  expect(placements.map(({ name, version, host, ports }) => [name, version, host, ...Object.values(ports)])).toEqual([
    ["marketplace", undefined, "::1", 50052, 9052, 5000],
    ["marketplace-2", undefined, "::1", 0, 0, 0],
    ["marketplace-3", "v2", "::1", 0, 0, 0],
  ]);
});

test("knows where the registries are", () => {
  const push = services.filter(({ name }) => name === "push");

  expect(registriesOf(placementsOf(services, { REGISTRY_HOST: "0.0.0.0" }))).toEqual(["127.0.0.1:50050"]);
  expect(registriesOf(placementsOf(push, {}))).toEqual([]);
});
