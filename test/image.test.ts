import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import type { z } from "zod";

interface ComposeService {
  command: string[];
  networks: string[];
  environment: Record<string, string>;
  volumes: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck: { test: string[] };
  [setting: string]: unknown;
}

const root = new URL("../", import.meta.url);
const { version, dependencies } = JSON.parse(read("package.json"));
const steps = stepsOf(read("Dockerfile"));
const stages = steps.filter(({ instruction }) => instruction === "FROM");
const ignored = read(".dockerignore").trimEnd().split("\n");
const compose: { services: Record<string, ComposeService>; networks: object; volumes: object } = parse(read("compose.yaml"), {
  merge: true,
});

const services = await Promise.all(
  readdirSync(new URL("services", root)).map(async (name) => {
    const { configSchema } = (await import(`../services/${name}/config.ts`)) as { configSchema: z.ZodObject };
    return { name, schema: configSchema, defaults: configSchema.parse({}) as Record<string, unknown> };
  }),
);
const named = services.map((service) => [service.name, service] as const);
const ports = services.flatMap(({ defaults }) =>
  ["PORT", "ADMIN_PORT", "HTTP_PORT"].flatMap((setting) => (setting in defaults ? Number(defaults[setting]) : [])),
);

function read(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

/** The instructions of a Dockerfile, each with the number of its stage. */
function stepsOf(dockerfile: string): { instruction: string; rest: string; stage: number }[] {
  let stage = -1;
  return dockerfile
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [instruction = "", ...rest] = line.split(" ");
      if (instruction === "FROM") stage += 1;
      return { instruction, rest: rest.join(" "), stage };
    });
}

/** What a COPY takes from the folder of the project. */
function copied(rest: string): string[] {
  return rest.startsWith("--from=") ? [] : rest.split(" ").slice(0, -1);
}

function composeService(name: string): ComposeService {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`no service ${name} in compose.yaml`);
  return service;
}

test("the image has the Node that the project is pinned to", () => {
  const [major] = String(dependencies.node).split(".");
  expect(stages[0]?.rest).toBe(`node:${major}-bookworm-slim AS base`);
  const names = stages.map(({ rest }) => rest.split(" AS ")[1]);
  for (const { rest } of stages.slice(1)) expect(names).toContain(rest.split(" ")[0]);
});

test("the image has the version of the project", () => {
  expect(steps).toContainEqual(expect.objectContaining({ instruction: "ARG", rest: `VERSION=${version}` }));
});

test("the image exposes the default ports of all services, and no others", () => {
  const [exposed] = steps.filter(({ instruction }) => instruction === "EXPOSE");
  expect(exposed?.rest.split(" ").map(Number).sort()).toEqual(ports.sort());
});

test("the image runs as a user that is not root, given by its number", () => {
  const users = steps.filter(({ instruction }) => instruction === "USER").map(({ rest }) => rest);
  expect(users).toEqual(["1000:1000"]);
});

test("packages are those of the lock file, and none of their scripts runs", () => {
  const installs = steps.filter(({ instruction, rest }) => instruction === "RUN" && /\bnpm (ci|i|install)\b/.test(rest));
  expect(installs).toHaveLength(2);
  for (const { rest } of installs) expect(rest).toMatch(/npm ci --(include|omit)=dev --ignore-scripts/);
});

test("a change of the sources installs no package anew", () => {
  const installs = steps.flatMap(({ instruction, rest }, at) => (instruction === "RUN" && rest.startsWith("npm ci") ? at : []));
  for (const install of installs) {
    const before = steps
      .slice(0, install)
      .filter(({ instruction, stage }) => instruction === "COPY" && stage === steps[install]?.stage);
    expect(before.flatMap(({ rest }) => copied(rest))).toEqual(["package.json", "package-lock.json"]);
  }
});

test("the code that the contracts make is not in git, and the build of the image makes it", () => {
  expect(read(".gitignore").split("\n")).toContain("gen/");
  expect(read("Dockerfile")).toMatch(/^RUN npm run generate$/m);
});

test("the build sees what it copies, and nothing else of the folder", () => {
  expect(ignored.filter((line) => !line.startsWith("#"))[0]).toBe("*");
  const seen = ignored.flatMap((line) => (line.startsWith("!") ? line.slice(1).replace(/\/\*\*$/, "") : []));
  const used = steps.flatMap(({ instruction, rest }) => (instruction === "COPY" ? copied(rest) : []));
  expect(new Set(seen)).toEqual(new Set(used));
  expect(ignored).toEqual(expect.arrayContaining(["**/*.test.ts", "**/*.pem", "**/*.key"]));
});

test("compose runs all services and nothing else, in the network microservices", () => {
  expect(Object.keys(compose.services).sort()).toEqual(services.map(({ name }) => name).sort());
  expect(Object.keys(compose.networks)).toEqual(["microservices"]);
  for (const { name } of services) {
    expect(composeService(name)).toMatchObject({
      image: "bookmesh",
      command: [`services/${name}/main.ts`],
      networks: ["microservices"],
      volumes: [`${name}:/data`],
    });
    expect(Object.keys(compose.volumes)).toContain(name);
  }
});

test.each(named)(
  "compose gives %s settings that it has, its store on its volume, and where the registry is",
  (name, { schema }) => {
    const { environment } = composeService(name);
    expect(Object.keys(schema.shape)).toEqual(expect.arrayContaining(Object.keys(environment)));
    expect(schema.safeParse(environment).success).toBe(true);
    expect(environment.DATABASE_URL).toBe(`sqlite:/data/${name}.db`);
    expect(environment.REGISTRIES).toBe("registry:50050");
    expect(Object.keys(environment).filter((setting) => setting.endsWith("_HOST"))).toEqual([]);
  },
);

test.each(named)("compose asks %s whether it is ready where it says so", (name, { defaults }) => {
  const [kind, program, flag, script = ""] = composeService(name).healthcheck.test;
  expect([kind, program, flag]).toEqual(["CMD", "node", "-e"]);
  expect(script).toContain(`fetch('http://localhost:${defaults.ADMIN_PORT}/readyz')`);
});

test("compose publishes the registry, the storefront and recommendations, on this machine only", () => {
  const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
  expect(published).toEqual([
    ["registry", "127.0.0.1:8500:8500"],
    ["registry", "127.0.0.1:50050:50050"],
    ["marketplace", "127.0.0.1:5000:5000"],
    ["recommendations", "127.0.0.1:50051:50051"],
  ]);
});

test.each(named)("compose lets %s do no more than it needs, and stop in peace", (name, { defaults }) => {
  const service = composeService(name);
  expect(service).toMatchObject({
    init: true,
    read_only: true,
    tmpfs: ["/tmp"],
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
  });
  expect(service).not.toHaveProperty("privileged");
  expect(Number.parseInt(String(service.stop_grace_period), 10) * 1_000).toBeGreaterThan(Number(defaults.SHUTDOWN_GRACE_MS));
});

test("compose starts a service when those it waits for are healthy, and none waits for itself", () => {
  const started = new Set<string>();
  const waiting = new Map(Object.entries(compose.services).map(([name, { depends_on = {} }]) => [name, depends_on]));
  for (const awaited of [...waiting.values()].flatMap((needs) => Object.values(needs))) {
    expect(awaited).toEqual({ condition: "service_healthy" });
  }
  while (waiting.size > 0) {
    const next = [...waiting].find(([, needs]) => Object.keys(needs).every((name) => started.has(name)));
    expect(next).toBeDefined();
    started.add(next?.[0] ?? "");
    waiting.delete(next?.[0] ?? [...waiting.keys()][0] ?? "");
  }
  expect(started.size).toBe(services.length);
});
