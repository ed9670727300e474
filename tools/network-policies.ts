// `npm run kubernetes:policies`: writes kubernetes/base/network-policies.yaml, who may connect to which port, from the contracts.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IDeployment } from "kubernetes-models/apps/v1";
import type { INetworkPolicy, INetworkPolicyIngressRule, INetworkPolicyPeer } from "kubernetes-models/networking.k8s.io/v1";
import type { IContainer, IService } from "kubernetes-models/v1";
import { parseAllDocuments, stringify } from "yaml";
import { allContracts } from "../runtime/contracts.ts";
import { serversOf } from "./servers.ts";

/** The name of the file below kubernetes/base. */
export const NETWORK_POLICIES = "network-policies.yaml";

const BASE = new URL("../kubernetes/base/", import.meta.url);
const HEADER = "# Made by `npm run kubernetes:policies` from the callers that the contracts name, and the Services beside it.\n";
const ANYBODY = "*";
/** It asks every instance whether it is well. */
const PROBER = "registry";
/** Where those run who read the metrics. */
const MONITORING = "monitoring";

/** The text of the file: nobody may connect to anything, and then what each service needs. */
export function networkPolicies(): string {
  const objects = readdirSync(BASE)
    .filter((file) => file.endsWith(".yaml") && file !== NETWORK_POLICIES)
    .flatMap((file) => parseAllDocuments(readFileSync(new URL(file, BASE), "utf8")))
    .map((document): { kind: string } => document.toJS());
  const deployments = objects.filter(({ kind }) => kind === "Deployment") as (IDeployment & { kind: string })[];
  const services = objects.filter(({ kind }) => kind === "Service") as (IService & { kind: string })[];
  const policies = deployments.map((deployment) => policyOf(deployment, services));
  return HEADER + [denyAll(), ...policies].map((policy) => stringify(policy)).join("---\n");
}

function denyAll(): INetworkPolicy {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "deny-all" },
    spec: { podSelector: {}, policyTypes: ["Ingress"] },
  };
}

function policyOf({ metadata, spec }: IDeployment, services: readonly IService[]): INetworkPolicy {
  const name = metadata?.name ?? "";
  const [container] = spec?.template.spec?.containers ?? [];
  const grpc: INetworkPolicyIngressRule = { from: peersOf(callersOf(name)), ports: [portOf(container, "grpc")] };
  const admin: INetworkPolicyIngressRule = {
    from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": MONITORING } } }],
    ports: [portOf(container, "admin")],
  };
  // A Service that is not headless is for those who are not of the mesh, be they inside of the cluster or outside.
  const open = services
    .filter((service) => service.spec?.clusterIP !== "None" && service.spec?.selector?.app === name)
    .flatMap((service) => service.spec?.ports ?? [])
    .map(({ targetPort }): INetworkPolicyIngressRule => ({ ports: [portOf(container, String(targetPort))] }));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, labels: { app: name } },
    spec: { podSelector: { matchLabels: { app: name } }, policyTypes: ["Ingress"], ingress: [grpc, admin, ...open] },
  };
}

/** Whoever may call one of the methods of a service, and who asks whether it is well. */
function callersOf(name: string): ReadonlySet<string> {
  const methods = allContracts().filter(({ service, infrastructure }) => !infrastructure && serversOf(service).includes(name));
  if (methods.length === 0) throw new Error(`no contract is of the service ${name}`);
  return new Set([...methods.flatMap(({ callers }) => callers), PROBER].toSorted());
}

/** "*" is every pod of the namespace. */
function peersOf(callers: ReadonlySet<string>): INetworkPolicyPeer[] {
  if (callers.has(ANYBODY)) return [{ podSelector: {} }];
  return [...callers].map((app) => ({ podSelector: { matchLabels: { app } } }));
}

/** By its number: not every network knows the names of ports. */
function portOf(container: IContainer | undefined, name: string): { protocol: "TCP"; port: number } {
  const found = container?.ports?.find((port) => port.name === name);
  if (found === undefined) throw new Error(`${container?.name} has no port ${name}`);
  return { protocol: "TCP", port: found.containerPort };
}

if (import.meta.main) writeFileSync(new URL(NETWORK_POLICIES, BASE), networkPolicies());
