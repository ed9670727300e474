import { parse } from "yaml";
import { LEAF_VALIDITY_MS } from "../cli/certs/authority.ts";
import { OPERATOR } from "../cli/certs/mesh-authority.ts";
import { read, readSettings, settingsIn } from "./support/manifests.ts";

interface ComposeService {
  command: string[];
  entrypoint?: string[];
  networks: string[];
  environment: Record<string, string>;
  volumes: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck: { test: string[] };
  [setting: string]: unknown;
}

const { version, dependencies } = JSON.parse(read("package.json"));
const steps = stepsOf(read("Dockerfile"));
const stages = steps.filter(({ instruction }) => instruction === "FROM");
const ignored = read(".dockerignore").trimEnd().split("\n");
const compose: { services: Record<string, ComposeService>; networks: object; volumes: Record<string, object> } = parse(
  read("compose.yaml"),
  { merge: true },
);

const services = await readSettings();
const named = services.map((service) => [service.name, service] as const);
const ports = services.flatMap(({ defaults }) =>
  ["PORT", "ADMIN_PORT", "HTTP_PORT"].flatMap((setting) => (setting in defaults ? Number(defaults[setting]) : [])),
);

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

test("no layer of the image keeps what the bookstore has written when it ran for its compiled code", () => {
  const [run, ...others] = steps.filter(({ instruction, rest }) => instruction === "RUN" && rest.includes("cli/main.ts up"));
  expect(others).toEqual([]);
  expect(run?.rest).toContain("cli/main.ts up --data /tmp/mesh && rm --recursive /tmp/mesh");
});

test("compose runs all services, an authority and an operator, in the network microservices", () => {
  const names = [...services.map(({ name }) => name), "certs", OPERATOR];
  expect(Object.keys(compose.services).sort()).toEqual(names.sort());
  expect(Object.keys(compose.networks)).toEqual(["microservices"]);
  for (const { name } of services) {
    expect(composeService(name)).toMatchObject({
      image: "bookmesh",
      command: [`services/${name}/main.ts`],
      networks: ["microservices"],
      volumes: [`${name}:/data`, `${name}-credentials:/etc/bookmesh/credentials:ro`],
    });
    expect(Object.keys(compose.volumes)).toContain(name);
  }
});

test("compose has an authority that nobody can reach, and that alone writes credentials, into memory", () => {
  const { network_mode, networks, ports, volumes } = composeService("certs");
  expect([network_mode, networks, ports]).toEqual(["none", undefined, undefined]);
  const names = [...services.map(({ name }) => name), OPERATOR];
  const credentials = names.map((name) => `${name}-credentials:/data/credentials/${name}`);
  expect(volumes.toSorted()).toEqual(["authority:/data", ...credentials].toSorted());
  for (const name of names) {
    expect(compose.volumes[`${name}-credentials`]).toMatchObject({ driver_opts: { type: "tmpfs", device: "tmpfs" } });
    const mounting = Object.values(compose.services).flatMap(({ volumes }) =>
      volumes.filter((volume) => volume.startsWith(`${name}-credentials:`)),
    );
    expect(mounting.toSorted()).toEqual([
      `${name}-credentials:/data/credentials/${name}`,
      `${name}-credentials:/etc/bookmesh/credentials:ro`,
    ]);
  }
  expect(JSON.stringify(compose.services).match(/authority:/g)).toHaveLength(1);
});

test("compose has certificates issued anew long before they expire", () => {
  const [, , script = ""] = composeService("certs").entrypoint ?? [];
  const [, seconds] = /^while node cli\/main\.ts certs renew; do sleep (\d+); done$/.exec(script) ?? [];
  expect(Number(seconds) * 1_000).toBeLessThan(LEAF_VALIDITY_MS / 2);
});

test("compose gives the operator nothing but its own credentials, and does not start it by itself", () => {
  expect(composeService(OPERATOR)).toMatchObject({
    profiles: ["commands"],
    entrypoint: ["node", "cli/main.ts"],
    environment: { REGISTRIES: "registry:50050", CREDENTIALS_DIR: "/etc/bookmesh/credentials" },
    volumes: [`${OPERATOR}-credentials:/etc/bookmesh/credentials:ro`],
  });
});

test.each(named)(
  "compose gives %s settings that it has, its store on its volume, and where the registry is",
  (name, { schema }) => {
    const { environment } = composeService(name);
    expect(Object.keys(schema.shape)).toEqual(expect.arrayContaining(settingsIn(Object.keys(environment))));
    expect(schema.safeParse(environment).success).toBe(true);
    expect(environment.DATABASE_URL).toBe(`sqlite:/data/${name}.db`);
    expect(environment.REGISTRIES).toBe("registry:50050");
    expect(environment.CREDENTIALS_DIR).toBe("/etc/bookmesh/credentials");
    expect(Object.keys(environment).filter((setting) => setting.endsWith("_HOST"))).toEqual([]);
  },
);

test.each(named)("compose asks %s whether it is ready where it says so", (name, { defaults }) => {
  const [kind, program, flag, script = ""] = composeService(name).healthcheck.test;
  expect([kind, program, flag]).toEqual(["CMD", "node", "-e"]);
  expect(script).toContain(`fetch('http://localhost:${defaults.ADMIN_PORT}/readyz')`);
});

test("compose publishes the registry, signing in, the storefront and recommendations, on this machine only", () => {
  const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
  expect(published).toEqual([
    ["registry", "127.0.0.1:8500:8500"],
    ["registry", "127.0.0.1:50050:50050"],
    ["register", "127.0.0.1:5002:5002"],
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

test("compose starts a service when those it waits for are healthy, first the authority, and none waits for itself", () => {
  const started = new Set(["certs"]);
  const waiting = new Map(services.map(({ name }) => [name, composeService(name).depends_on ?? {}]));
  for (const [name, needs] of waiting) expect([name, Object.keys(needs).length]).toEqual([name, 1]);
  for (const awaited of [...waiting.values()].flatMap((needs) => Object.values(needs))) {
    expect(awaited).toEqual({ condition: "service_healthy" });
  }
  while (waiting.size > 0) {
    const next = [...waiting].find(([, needs]) => Object.keys(needs).every((name) => started.has(name)));
    expect(next).toBeDefined();
    started.add(next?.[0] ?? "");
    waiting.delete(next?.[0] ?? [...waiting.keys()][0] ?? "");
  }
  expect(started.size).toBe(services.length + 1);
});
