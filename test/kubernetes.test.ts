import { Deployment } from "kubernetes-models/apps/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Namespace, Service, ServiceAccount } from "kubernetes-models/v1";
import { parse } from "yaml";
import {
  containerOf,
  documentOf,
  filesOf,
  label,
  type Manifest,
  manifestsOf,
  portsOf,
  read,
  readSettings,
  settingsIn,
  toManifest,
  unknownFields,
} from "./support/manifests.ts";

const { version } = JSON.parse(read("package.json"));

const base = manifestsOf("base");
const deployments = base.filter((manifest) => manifest instanceof Deployment);
const grpcServices = base.filter((manifest) => manifest instanceof Service).filter(({ spec }) => spec?.clusterIP === "None");
const overlay = documentOf("overlays/local", "kustomization.yaml");
const patchFiles = (overlay.patches as { path?: string }[]).flatMap(({ path }) => path ?? []);
const stores = manifestsOf("overlays/local", patchFiles);
const patches = patchFiles.map((file) => documentOf("overlays/local", file) as Manifest);

const services = await readSettings();
const named = services.map((settings) => [settings.name, settings] as const);

function deploymentOf(name: string): Deployment {
  const found = deployments.find(({ metadata }) => metadata?.name === name);
  if (found === undefined) throw new Error(`no Deployment ${name}`);
  return found;
}

test.each([...base, ...stores].map((manifest) => [label(manifest), manifest] as const))(
  "%s is as the API of Kubernetes has it",
  (_label, manifest) => {
    expect(() => manifest.validate()).not.toThrow();
    expect(unknownFields(manifest)).toEqual([]);
  },
);

test("a value of the wrong type and a misspelt field are found", () => {
  const deployment = deploymentOf("push").toJSON() as { spec: { replicas: unknown } };
  expect(() =>
    toManifest({ ...deployment, kind: "Deployment", spec: { ...deployment.spec, replicas: "3" } } as never).validate(),
  ).toThrow(/replicas must be integer/);
  const misspelt: { kind: string } = JSON.parse(JSON.stringify(deployment).replace('"readinessProbe"', '"readynessProbe"'));
  expect(unknownFields(toManifest(misspelt))).toContain(".spec.template.spec.containers.0.readynessProbe");
});

test.each(["base", "components/cert-manager", "components/trusted-roots", "overlays/local"])(
  "the kustomization of %s lists every file beside it",
  (folder) => {
    const { resources = [], patches = [] } = documentOf(folder, "kustomization.yaml");
    const listed = [...resources, ...patches.flatMap(({ path }: { path?: string }) => path ?? [])];

    expect(listed.filter((path: string) => !path.startsWith("..")).sort()).toEqual(filesOf(folder).sort());
  },
);

test("every service has three pods that run its program from the image of this version, and nothing else is deployed", () => {
  expect(deployments.map(({ metadata }) => metadata?.name).sort()).toEqual(services.map(({ name }) => name).sort());
  for (const { name } of services) {
    expect(deploymentOf(name).spec?.replicas).toBe(3);
    expect(containerOf(deploymentOf(name))).toMatchObject({ args: [`services/${name}/main.ts`], image: `bookmesh:${version}` });
  }
});

test.each(named)("the ports of %s are the defaults of its settings", (name, { defaults }) => {
  const container = containerOf(deploymentOf(name));
  const http = "HTTP_PORT" in defaults ? { http: defaults.HTTP_PORT } : {};
  expect(portsOf(container)).toEqual({ grpc: defaults.PORT, admin: defaults.ADMIN_PORT, ...http });
  // Kubernetes has probes by gRPC too, which speak no TLS.
  expect(container.readinessProbe?.httpGet).toEqual({ path: "/readyz", port: "admin" });
  expect(container.livenessProbe?.httpGet).toEqual({ path: "/livez", port: "admin" });
  expect(container.startupProbe?.httpGet).toEqual({ path: "/livez", port: "admin" });
  expect(deploymentOf(name).spec?.template.metadata?.annotations).toMatchObject({
    "prometheus.io/port": String(defaults.ADMIN_PORT),
  });
});

test.each(named)("%s has one headless Service for gRPC, which finds its pods", (name, { defaults }) => {
  const own = grpcServices.filter(({ spec }) => spec?.selector?.app === name);

  expect(own).toHaveLength(1);
  expect(own[0]?.spec?.ports).toEqual([{ name: "grpc", port: defaults.PORT, targetPort: "grpc", appProtocol: "grpc" }]);
  expect(own[0]?.spec?.publishNotReadyAddresses).toBe(name === "registry" ? true : undefined);
});

test("only the storefront can be reached from outside, and signing in from inside without gRPC", () => {
  const others = base.filter((manifest) => manifest instanceof Service).filter(({ spec }) => spec?.clusterIP !== "None");

  expect(others.map(({ metadata, spec }) => [metadata?.name, spec?.type, spec?.ports?.map(({ port }) => port)])).toEqual([
    ["marketplace", "LoadBalancer", [5000]],
    ["register-http", undefined, [5002]],
  ]);
});

test.each(named)("the selectors of %s select the labels of its pods", (name) => {
  const { spec } = deploymentOf(name);
  expect(spec?.template.metadata?.labels).toEqual({ app: name });
  expect(spec?.selector.matchLabels).toEqual({ app: name });
  expect(spec?.template.spec?.topologySpreadConstraints?.[0]?.labelSelector?.matchLabels).toEqual({ app: name });
  const budget = base.find((manifest) => manifest instanceof PodDisruptionBudget && manifest.metadata?.name === name);
  expect(budget).toMatchObject({ spec: { maxUnavailable: 1, selector: { matchLabels: { app: name } } } });
});

test.each(named)("every variable that %s is given is one of its settings, with a value that it takes", (name, { schema }) => {
  const env = containerOf(deploymentOf(name)).env ?? [];
  expect(Object.keys(schema.shape)).toEqual(expect.arrayContaining(settingsIn(env.map((variable) => variable.name))));
  const values = Object.fromEntries(
    env.flatMap((variable) => (variable.value === undefined ? [] : [[variable.name, variable.value]])),
  );
  expect(schema.safeParse(values).success).toBe(true);
});

test.each(named)("%s is told where the registries are, by a Service with their port, and no other address", (name) => {
  const addresses = grpcServices.map(({ metadata, spec }) => `${metadata?.name}:${spec?.ports?.[0]?.port}`);
  const env = containerOf(deploymentOf(name)).env ?? [];
  expect(env).toContainEqual({ name: "REGISTRIES", value: "registry:50050" });
  expect(addresses).toContain("registry:50050");
  expect(env.filter((variable) => variable.name.endsWith("_HOST"))).toEqual([]);
});

test.each(named)("%s has its store in a database from a Secret", (name) => {
  const url = containerOf(deploymentOf(name)).env?.find((variable) => variable.name === "DATABASE_URL");
  expect(url).toEqual({ name: "DATABASE_URL", valueFrom: { secretKeyRef: { name: `${name}-database`, key: "url" } } });
});

test("documents keeps its files where all its pods find them, and on one machine on the volume of its pod", () => {
  const storage = fromSecret(containerOf(deploymentOf("documents")), "documents-storage");
  expect(storage).toEqual(["S3_BUCKET", "S3_ENDPOINT", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"]);
  const local = patches.find(({ kind, metadata }) => kind === "Deployment" && metadata?.name === "documents") as Deployment;
  expect(local.spec?.template.spec?.containers[0]?.env?.slice(1)).toEqual([
    { name: "DOCUMENTS_DIR", value: "/data/documents" },
    ...storage.map((variable) => ({ name: variable, $patch: "delete" })),
  ]);
});

/** The variables of a container that a Secret fills. */
function fromSecret(container: ReturnType<typeof containerOf>, secret: string): string[] {
  return (container.env ?? []).filter(({ valueFrom }) => valueFrom?.secretKeyRef?.name === secret).map(({ name }) => name);
}

test("the namespace takes restricted pods only", () => {
  const namespace = base.find((manifest) => manifest instanceof Namespace);

  expect(namespace?.metadata?.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" });
  expect(documentOf("base", "kustomization.yaml").namespace).toBe(namespace?.metadata?.name);
});

test.each(named)("the pods of %s are restricted, and have no token of the cluster", (name) => {
  const pod = deploymentOf(name).spec?.template.spec;
  expect(pod).toMatchObject({
    serviceAccountName: name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
  });
  expect(pod?.hostNetwork ?? pod?.hostPID ?? pod?.hostIPC).toBeUndefined();
  expect(containerOf(deploymentOf(name)).securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  const account = base.find((manifest) => manifest instanceof ServiceAccount && manifest.metadata?.name === name);
  expect(account).toMatchObject({ automountServiceAccountToken: false });
});

test.each(named)("%s has more time to stop than it takes, and is replaced without a gap", (name, { defaults }) => {
  const spec = deploymentOf(name).spec;
  const preStop = containerOf(deploymentOf(name)).lifecycle?.preStop?.exec?.command;
  expect(preStop?.[0]).toBe("sleep");
  const needed = Number(preStop?.[1]) + Number(defaults.SHUTDOWN_GRACE_MS) / 1_000;
  expect(spec?.template.spec?.terminationGracePeriodSeconds).toBeGreaterThan(needed);
  expect(spec?.strategy?.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
});

test.each(named)("%s asks for memory and may have more, and its CPU is not limited", (name) => {
  const { requests, limits } = containerOf(deploymentOf(name)).resources ?? {};
  const mebibytes = (quantity: unknown) => Number(/^(\d+)Mi$/.exec(String(quantity))?.[1]);
  expect(mebibytes(limits?.memory)).toBeGreaterThan(mebibytes(requests?.memory));
  expect(requests?.cpu).toBeDefined();
  expect(limits?.cpu).toBeUndefined();
});

test("the Deployments differ in names, ports, settings, memory and stores only", () => {
  const alike = deployments.map((deployment) => {
    const copy = JSON.parse(JSON.stringify(deployment).replaceAll(`"${deployment.metadata?.name}"`, '"NAME"'));
    const pod = copy.spec.template.spec;
    const [container] = pod.containers;
    for (const field of ["args", "env", "ports", "volumeMounts"]) delete container[field];
    delete container.resources.requests.memory;
    delete container.resources.limits.memory;
    delete copy.spec.template.metadata.annotations["prometheus.io/port"];
    delete pod.volumes;
    return copy;
  });

  for (const other of alike.slice(1)) expect(other).toEqual(alike[0]);
});

test("every patch of the local overlay is of an object of the base, and of a container of it", () => {
  for (const patch of patches) {
    const patched = base.find((manifest) => label(manifest) === label(patch));
    expect(patched?.apiVersion).toBe(patch.apiVersion);
    if (patch.kind !== "Deployment") continue;
    const names = (patch as Deployment).spec?.template.spec?.containers.map(({ name }) => name);
    expect(names).toEqual([containerOf(deploymentOf(patch.metadata?.name ?? "")).name]);
  }
});

test("in the local overlay what needs a database has one pod and a file on a volume of its own", () => {
  const claims = stores.map(({ metadata }) => metadata?.name);
  const withDatabase = deployments.filter((deployment) => JSON.stringify(deployment).includes("secretKeyRef"));
  const patched = patches.filter(({ kind }) => kind === "Deployment") as Deployment[];
  expect(patched.map(({ metadata }) => metadata?.name).sort()).toEqual(withDatabase.map(({ metadata }) => metadata?.name).sort());
  for (const { metadata, spec } of patched.filter((patch) => patch.metadata?.name !== "recommendations")) {
    const pod = spec?.template.spec;
    const claim = pod?.volumes?.[0]?.persistentVolumeClaim?.claimName;
    expect(claims).toContain(claim);
    expect(claim).toBe(`${metadata?.name}-store`);
    expect(spec?.replicas).toBe(1);
    expect(pod?.containers[0]?.volumeMounts).toEqual([{ name: "data", mountPath: "/data" }]);
    const url = { name: "DATABASE_URL", value: `sqlite:/data/${metadata?.name}.db`, valueFrom: null };
    expect(pod?.containers[0]?.env?.[0]).toEqual(url);
  }
});

test("in the local overlay each pod of recommendations keeps a file of its own", () => {
  const { spec } = patches.find(
    ({ kind, metadata }) => kind === "Deployment" && metadata?.name === "recommendations",
  ) as Deployment;
  expect(spec?.replicas).toBe(undefined);
  expect(spec?.template.spec?.containers[0]?.env).toEqual([
    { name: "DATABASE_URL", value: "sqlite:/data/recommendations.db", valueFrom: null },
  ]);
  const { volumes = [], containers } = deploymentOf("recommendations").spec?.template.spec ?? {};
  expect(volumes).toContainEqual(expect.objectContaining({ name: "data", emptyDir: expect.anything() }));
  expect(containers?.[0]?.volumeMounts).toContainEqual({ name: "data", mountPath: "/data" });
});

test("the local overlay runs an image that was built there", () => {
  expect(overlay.images).toEqual([{ name: "bookmesh", newTag: "latest" }]);
  const inline = (overlay.patches as { target?: object; patch?: string }[]).filter(({ patch }) => patch !== undefined);
  expect(inline).toEqual([{ target: { kind: "Deployment" }, patch: expect.any(String) }]);
  expect(parse(inline[0]?.patch ?? "")).toEqual([
    { op: "replace", path: "/spec/template/spec/containers/0/imagePullPolicy", value: "Never" },
  ]);
});
