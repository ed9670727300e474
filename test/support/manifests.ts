import { readdirSync, readFileSync } from "node:fs";
import { Certificate, Issuer } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import { Deployment } from "kubernetes-models/apps/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { type IContainer, Namespace, PersistentVolumeClaim, Service, ServiceAccount } from "kubernetes-models/v1";
import { parse, parseAllDocuments } from "yaml";
import type { z } from "zod";

const kinds = {
  ...{ Certificate, Deployment, Issuer, Namespace, NetworkPolicy },
  ...{ PersistentVolumeClaim, PodDisruptionBudget, Service, ServiceAccount },
};
const root = new URL("../../", import.meta.url);

/** An object that Kubernetes is given, with the schema that its API has for it. */
export type Manifest = InstanceType<(typeof kinds)[keyof typeof kinds]>;

export interface ServiceSettings {
  readonly name: string;
  readonly schema: z.ZodObject;
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** A file of the project. */
export function read(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

/** The settings of every service there is. */
export async function readSettings(): Promise<ServiceSettings[]> {
  return await Promise.all(
    readdirSync(new URL("services", root)).map(async (name) => {
      const { configSchema } = (await import(`../../services/${name}/config.ts`)) as { configSchema: z.ZodObject };
      return { name, schema: configSchema, defaults: configSchema.parse({}) };
    }),
  );
}

/** A file of a folder of kubernetes/ that holds one document. */
export function documentOf(folder: string, file: string) {
  return parse(read(`kubernetes/${folder}/${file}`));
}

/** The files of a folder of kubernetes/, but its kustomization. */
export function filesOf(folder: string): string[] {
  return readdirSync(new URL(`kubernetes/${folder}`, root)).filter((file) => file !== "kustomization.yaml");
}

/** The objects in a folder of kubernetes/. */
export function manifestsOf(folder: string, except: readonly string[] = []): Manifest[] {
  return filesOf(folder)
    .filter((file) => !except.includes(file))
    .flatMap((file) => parseAllDocuments(read(`kubernetes/${folder}/${file}`)))
    .map((document) => toManifest(document.toJS()));
}

export function toManifest(object: { kind: string }): Manifest {
  const Model = kinds[object.kind as keyof typeof kinds];
  if (Model === undefined) throw new Error(`no schema for ${object.kind}`);
  return new Model(object as never) as Manifest;
}

export function label(manifest: Manifest): string {
  return `${manifest.kind} ${manifest.metadata?.name}`;
}

/** The fields that the API of Kubernetes does not know: those that its schema never looks at. */
export function unknownFields(manifest: Manifest): string[] {
  const there = new Set<string>();
  const seen = new Set<string>();
  const watch = <T>(value: T, path: string): T => {
    if (typeof value !== "object" || value === null) return value;
    for (const key of Object.keys(value)) there.add(`${path}.${key}`);
    return new Proxy(value, {
      get(target, key) {
        seen.add(`${path}.${String(key)}`);
        return watch(Reflect.get(target, key), `${path}.${String(key)}`);
      },
    });
  };
  manifest.validate.call(watch(manifest, ""));
  return [...there.difference(seen)];
}

/** The one container of a Deployment. */
export function containerOf(deployment: Deployment): IContainer {
  const [container, ...others] = deployment.spec?.template.spec?.containers ?? [];
  if (container === undefined || others.length > 0) throw new Error(`${label(deployment)} has not one container`);
  return container;
}

export function portsOf(container: IContainer): Record<string, number> {
  return Object.fromEntries((container.ports ?? []).map(({ name, containerPort }) => [name, containerPort]));
}

/** What is said to Node and to the C library, not to the program. */
const OF_THE_PROCESS = ["NODE_OPTIONS", "MALLOC_ARENA_MAX"];

/** The names of the settings among variables. */
export function settingsIn(variables: readonly string[]): string[] {
  return variables.filter((name) => !OF_THE_PROCESS.includes(name));
}
