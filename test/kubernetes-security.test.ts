import { Certificate, Issuer } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import { Deployment } from "kubernetes-models/apps/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { Service } from "kubernetes-models/v1";
import { parseAllDocuments } from "yaml";
import { dnsNamesOf, LEAF_VALIDITY_MS } from "../cli/certs/authority.ts";
import { OPERATOR } from "../cli/certs/mesh-authority.ts";
import { services } from "../cli/services.ts";
import { CREDENTIAL_FILES } from "../runtime/credential-files.ts";
import { DEFAULT_TRUST_DOMAIN, spiffeId } from "../runtime/spiffe.ts";
import { NETWORK_POLICIES, networkPolicies } from "../tools/network-policies.ts";
import { containerOf, label, manifestsOf, read, unknownFields } from "./support/manifests.ts";

const FOLDER = "/etc/bookmesh/credentials";

const names = services.map(({ name }) => name);
const base = manifestsOf("base");
const deployments = base.filter((manifest) => manifest instanceof Deployment);
const policies = base.filter((manifest) => manifest instanceof NetworkPolicy);
const certManager = manifestsOf("components/cert-manager");
const certificates = certManager.filter((manifest) => manifest instanceof Certificate);
const trustedRoots: Deployment[] = parseAllDocuments(read("kubernetes/components/trusted-roots/volumes.yaml")).map((document) =>
  document.toJS(),
);

function hours(duration: string | undefined): number {
  return Number(/^(\d+)h$/.exec(duration ?? "")?.[1]);
}

function policyOf(name: string): NetworkPolicy {
  const found = policies.find(({ metadata }) => metadata?.name === name);
  if (found === undefined) throw new Error(`no NetworkPolicy ${name}`);
  return found;
}

/** Which pods may connect to a port of a service, by their label; "*" is all pods of the namespace, and no answer nobody. */
function mayConnect(service: string, port: number): string[] {
  const rules = policyOf(service).spec?.ingress?.filter(({ ports }) => ports?.some((each) => each.port === port)) ?? [];
  return rules.flatMap(({ from }) => from ?? [{}]).flatMap(({ podSelector }) => podSelector?.matchLabels?.app ?? "*");
}

test("no manifest is a Secret, or holds a key", () => {
  expect([...base, ...certManager].map(({ kind }) => String(kind))).not.toContain("Secret");
  expect(JSON.stringify([...base, ...certManager])).not.toContain("PRIVATE KEY");
});

test.each(deployments.map((deployment) => [deployment.metadata?.name, deployment] as const))(
  "%s has the files of its own identity, to read only, and knows where they are",
  (name, deployment) => {
    const container = containerOf(deployment);
    const pod = deployment.spec?.template.spec;
    expect(container.env).toContainEqual({ name: "CREDENTIALS_DIR", value: FOLDER });
    expect(container.volumeMounts).toContainEqual({ name: "credentials", mountPath: FOLDER, readOnly: true });
    expect(pod?.volumes?.filter(({ secret }) => secret !== undefined)).toEqual([
      { name: "credentials", secret: { secretName: `${name}-tls`, defaultMode: 0o400 } },
    ]);
    // Files of a Secret belong to root: the process reads them as a member of the group.
    expect(pod?.securityContext?.fsGroup).toBe(1000);
  },
);

test.each(certManager.map((manifest) => [label(manifest), manifest] as const))(
  "%s is as the API of cert-manager has it",
  (_label, manifest) => {
    expect(() => manifest.validate()).not.toThrow();
    expect(unknownFields(manifest)).toEqual([]);
    expect(manifest.metadata?.namespace).toBe("bookmesh");
  },
);

test.each([...names, OPERATOR])(
  "cert-manager issues a certificate to %s as bookmesh does, and puts it where it is looked for",
  (name) => {
    const hosts = base
      .filter((manifest) => manifest instanceof Service)
      .filter(({ metadata, spec }) => spec?.clusterIP === "None" && metadata?.labels?.app === name);
    const dnsNames = [name, ...hosts.map(({ metadata }) => metadata?.name ?? "")].flatMap(dnsNamesOf);

    expect(certificates.find(({ metadata }) => metadata?.name === name)?.spec).toEqual({
      secretName: `${name}-tls`,
      commonName: name,
      uris: [spiffeId({ trustDomain: DEFAULT_TRUST_DOMAIN, name })],
      dnsNames: [...new Set(dnsNames)],
      duration: `${LEAF_VALIDITY_MS / 3_600_000}h`,
      renewBefore: `${LEAF_VALIDITY_MS / 2 / 3_600_000}h`,
      revisionHistoryLimit: 2,
      usages: ["digital signature", "server auth", "client auth"],
      privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
      issuerRef: { name: "bookmesh", kind: "Issuer", group: "cert-manager.io" },
    });
  },
);

test("what cert-manager issues leads to a root of the mesh alone, which keeps its key when it is renewed", () => {
  const issuers = certManager.filter((manifest) => manifest instanceof Issuer);
  const [root, ...others] = certificates.filter(({ spec }) => spec?.isCA);

  expect(others).toEqual([]);
  expect(certificates.map(({ metadata }) => metadata?.name).toSorted()).toEqual(
    [root?.metadata?.name, OPERATOR, ...names].toSorted(),
  );
  expect(issuers.map(({ metadata, spec }) => [metadata?.name, spec])).toEqual([
    ["self-signed", { selfSigned: {} }],
    ["bookmesh", { ca: { secretName: root?.spec?.secretName } }],
  ]);
  expect(root?.spec).toMatchObject({
    uris: [`spiffe://${DEFAULT_TRUST_DOMAIN}`],
    usages: ["cert sign", "crl sign"],
    privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Never" },
    issuerRef: { name: "self-signed", kind: "Issuer" },
  });
  expect(hours(root?.spec?.duration)).toBeGreaterThan(hours(root?.spec?.renewBefore));
});

test("the roots may come from a ConfigMap, and then all three files are there as before", () => {
  expect(trustedRoots.map(({ metadata }) => metadata?.name).toSorted()).toEqual(names.toSorted());
  for (const { metadata, spec } of trustedRoots) {
    const [volume, ...others] = spec?.template.spec?.volumes ?? [];
    expect(others).toEqual([]);
    expect(volume).toMatchObject({ name: "credentials", secret: null, projected: { defaultMode: 0o400 } });
    const [secret, configMap] = volume?.projected?.sources ?? [];
    expect([secret?.secret?.name, configMap?.configMap?.name]).toEqual([`${metadata?.name}-tls`, "trusted-roots"]);
    const paths = [...(secret?.secret?.items ?? []), ...(configMap?.configMap?.items ?? [])].map(({ path }) => path);
    expect(paths.toSorted()).toEqual(Object.values(CREDENTIAL_FILES).toSorted());
  }
});

test("the network policies are those of the contracts: `npm run kubernetes:policies` makes them", () => {
  expect(read(`kubernetes/base/${NETWORK_POLICIES}`)).toBe(networkPolicies());
});

test("nobody may connect to anything that no policy allows, and every service has one", () => {
  expect(policyOf("deny-all").spec).toEqual({ podSelector: {}, policyTypes: ["Ingress"] });
  expect(policies.map(({ metadata }) => metadata?.name).toSorted()).toEqual(["deny-all", ...names].toSorted());
  for (const name of names) expect(policyOf(name).spec?.podSelector).toEqual({ matchLabels: { app: name } });
});

test("callers that a contract names may connect, and the registry, which asks how everybody is; others may not", () => {
  expect(mayConnect("push", 50054)).toEqual(expect.arrayContaining(["marketplace", "registry"]));
  expect(mayConnect("push", 50054)).not.toContain("recommendations");
  expect(mayConnect("push", 50054)).not.toContain("*");
  expect(mayConnect("registry", 50050)).toEqual(["*"]);
});

test("the storefront and signing in are open to everybody, the page of the registry to nobody", () => {
  const open = policies.flatMap(({ metadata, spec }) =>
    (spec?.ingress ?? [])
      .filter(({ from }) => from === undefined)
      .map(({ ports }) => [metadata?.name, ports?.map(({ port }) => port)]),
  );
  expect(open).toEqual([
    ["marketplace", [5000]],
    ["register", [5002]],
  ]);
  expect(mayConnect("registry", 8500)).toEqual([]);
});

test("metrics are read from the namespace for monitoring alone", () => {
  for (const { name, ports } of services) {
    const rules = policyOf(name).spec?.ingress?.filter((rule) => rule.ports?.some(({ port }) => port === ports.ADMIN_PORT));
    expect(rules?.map(({ from }) => from)).toEqual([
      [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
    ]);
  }
});
