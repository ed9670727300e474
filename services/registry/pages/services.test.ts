import { Health, Protocol } from "../../../gen/mesh/registry/v1/instance.ts";
import type { ServiceState } from "../../../gen/mesh/registry/v1/registry_service.ts";
import { BASE_PATH } from "./registration-body.ts";
import type { ServiceDocument } from "./service-document.ts";
import { GONE, instance, NEW, openPages, service } from "./testing.ts";

const GRPC = { protocol: Protocol.PROTOCOL_GRPC } as const;

test("shows a program that has just registered as unknown, without a url to call", async () => {
  await using server = await openPages({ services: () => [service("users", { instances: [instance(1, NEW)] })] });

  expect(await server.get("/services/users")).toEqual({
    status: 200,
    body: {
      name: "users",
      url: null,
      health_check_url: "http://192.0.2.1:8000/health",
      status: "unknown",
      last_check: null,
      instances: [
        {
          id: "i1",
          url: "http://192.0.2.1:8000",
          status: "unknown",
          last_check: null,
          version: "",
          zone: "",
          weight: 1,
          in_endpoints: false,
        },
      ],
    },
  });
});

test("shows a healthy program with its url, and when it was asked in seconds since 1970", async () => {
  const identity = { version: "v2", zone: "b", weight: 7, healthCheckPath: "/up" };
  await using server = await openPages({
    services: () => [service("users", { instances: [instance(1, { instance: identity })] })],
  });

  const { body } = await server.get("/services/users");

  expect(body).toMatchObject({
    url: "http://192.0.2.1:8000",
    health_check_url: "http://192.0.2.1:8000/up",
    status: "healthy",
    last_check: 1_700_000_000.5,
    instances: [{ version: "v2", zone: "b", weight: 7, in_endpoints: true }],
  });
});

test("keeps the path that was registered, unless it could not be one", async () => {
  const withPath = (path: string) => ({ instance: { metadata: new Map([[BASE_PATH, path]]) } });
  await using server = await openPages({
    services: () => [service("users", { instances: [instance(1, withPath("/api")), instance(2, withPath("@evil.example"))] })],
  });

  const { body } = await server.get("/services/users");

  expect(body.instances.map(({ url }) => url)).toEqual(["http://192.0.2.1:8000/api", "http://192.0.2.2:8000"]);
});

test("gives the healthy instances in turn, and each service has its own turns", async () => {
  const three = [instance(1), instance(2, GONE), instance(3), instance(4)];
  await using server = await openPages({
    services: () => [service("orders", { instances: three }), service("users", { instances: three })],
  });
  const look = async (name: string) => (await server.get(`/services/${name}`)).body.url;

  const urls = [await look("orders"), await look("orders"), await look("users"), await look("orders"), await look("orders")];

  expect(urls.map((url) => url?.slice(15))).toEqual(["1:8000", "3:8000", "1:8000", "4:8000", "1:8000"]);
});

test("gives every instance its turn also to one who looks at all services in between", async () => {
  await using server = await openPages({
    services: () => [service("users", { instances: [instance(1), instance(2)] })],
  });
  const urls = new Set<string | null>();

  for (let round = 0; round < 4; round++) {
    urls.add((await server.get("/services/users")).body.url);
    await server.get("/services");
  }

  expect([...urls]).toEqual(["http://192.0.2.1:8000", "http://192.0.2.2:8000"]);
});

test("gives no url in a panic, when calls go to instances that are not healthy", async () => {
  await using server = await openPages({
    services: () => [
      service("users", { panic: true, instances: [instance(1, NEW), instance(2, { ...GONE, inEndpoints: true })] }),
    ],
  });

  expect((await server.get("/services/users")).body).toMatchObject({
    url: null,
    status: "unavailable",
    instances: [{ in_endpoints: false }, { in_endpoints: true }],
  });
});

test.each([
  [Health.HEALTH_UNSPECIFIED, "unknown"],
  [Health.HEALTH_HEALTHY, "healthy"],
  [Health.HEALTH_UNHEALTHY, "unhealthy"],
  [Health.HEALTH_UNAVAILABLE, "unavailable"],
])("calls health %d %s", async (health, status) => {
  await using server = await openPages({
    services: () => [service("users", { instances: [instance(1, { health, inEndpoints: false })] })],
  });

  expect((await server.get("/services/users")).body).toMatchObject({ status, url: null, instances: [{ status }] });
});

test("shows gRPC instances with a url of their own kind and nothing to ask their health at", async () => {
  const v6 = { ...GRPC, address: "2001:db8::1", port: 50051 };
  await using server = await openPages({ services: () => [service("orders", { instances: [instance(1, { instance: v6 })] })] });

  expect((await server.get("/services/orders")).body).toMatchObject({
    url: "grpc://[2001:db8::1]:50051",
    health_check_url: null,
    instances: [{ url: "grpc://[2001:db8::1]:50051" }],
  });
});

test("gives the instances that speak HTTP where there are both kinds", async () => {
  await using server = await openPages({
    services: () => [service("orders", { instances: [instance(1, { instance: GRPC }), instance(2)] })],
  });

  for (let turn = 0; turn < 3; turn++) {
    expect((await server.get("/services/orders")).body.url).toBe("http://192.0.2.2:8000");
  }
});

test("lists all services by name, also one without instances", async () => {
  const services: ServiceState[] = [service("constructor"), service("users", { instances: [instance(1)] })];
  await using server = await openPages({ services: () => services });

  const { status, body } = await server.get<Record<string, ServiceDocument>>("/services");

  expect(status).toBe(200);
  expect(Object.keys(body)).toEqual(["constructor", "users"]);
  expect(body.constructor).toEqual({
    name: "constructor",
    url: null,
    health_check_url: null,
    status: "unknown",
    last_check: null,
    instances: [],
  });
  expect(body.users).toEqual((await server.get("/services/users")).body);
});

test.each(["users", "constructor", "__proto__", "%00", "a%2Fb", "x".repeat(200), ""])(
  "finds no service called %j",
  async (name) => {
    await using server = await openPages({ services: () => [service("orders")] });

    expect(await server.get(`/services/${name}`)).toEqual({ status: 404, body: { error: "Service not found" } });
  },
);
