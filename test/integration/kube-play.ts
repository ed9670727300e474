import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IPodSpec, IService } from "kubernetes-models/v1";
import { parseAllDocuments, stringify } from "yaml";
import type { TestAuthority } from "../support/test-authority.ts";
import { MountedSecret } from "./mounted-secret.ts";
import { podman } from "./podman.ts";

const STOREFRONT = "marketplace http";
const REGISTRY = "registry grpc";

/** One pod of a Deployment, as podman can play it. */
export interface PlayedPod {
  readonly name: string;
  /** The value of the label "app". */
  readonly app: string;
  /** The one container, by the name that podman gives it. */
  readonly container: string;
  readonly adminPort: number;
  /** The names of the Services that select it. */
  readonly aliases: readonly string[];
  readonly manifest: object;
}

export interface PlayOptions {
  /** Of the names of pods and volumes, so that two plays do not meet. */
  prefix: string;
  /** Which ports of pods are reached on 127.0.0.1, and where: "marketplace http" on 5000. */
  published: Readonly<Record<string, number>>;
  /** The folders that stand for Secrets, by their names. */
  secrets: Readonly<Record<string, string>>;
}

/**
 * The pods that a cluster would make of rendered manifests.
 *
 * podman knows no Services: a Service becomes a name of each of its pods in the
 * network. Left out is what podman has in another form: probes, which it would
 * run with a curl that the image has not, and container ports, each of which it
 * would publish. A Secret is a folder.
 */
export function podsOf(rendered: string, options: PlayOptions): PlayedPod[] {
  const objects: { kind: string }[] = parseAllDocuments(rendered).map((document) => document.toJS());
  const services = objects.filter(({ kind }) => kind === "Service") as unknown as IService[];
  const deployments = objects.filter(({ kind }) => kind === "Deployment") as unknown as IDeployment[];
  return deployments.flatMap(({ metadata, spec }) =>
    Array.from({ length: spec?.replicas ?? 1 }, (_, index) => {
      const name = `${options.prefix}-${metadata?.name}-${index}`;
      const labels = spec?.template.metadata?.labels ?? {};
      const selecting = services.filter((service) => selects(service, labels));
      const pod = structuredClone(spec?.template.spec) as IPodSpec;
      const adminPort = pod.containers[0]?.ports?.find((port) => port.name === "admin")?.containerPort ?? 0;
      for (const container of pod.containers) {
        delete container.startupProbe;
        delete container.readinessProbe;
        delete container.livenessProbe;
        container.ports = (container.ports ?? []).flatMap((port) => {
          const hostPort = options.published[`${labels.app} ${port.name}`];
          return hostPort === undefined ? [] : [{ ...port, hostIP: "127.0.0.1", hostPort }];
        });
        container.volumeMounts = container.volumeMounts?.map((mount) => ({ ...mount, name: volumeName(name, mount.name) })) ?? [];
      }
      pod.volumes = pod.volumes?.map((volume) => ({ ...volume, name: volumeName(name, volume.name) })) ?? [];
      for (const volume of pod.volumes) {
        const { persistentVolumeClaim: claim, secret } = volume;
        if (claim !== undefined) claim.claimName = `${options.prefix}-${claim.claimName}`;
        if (secret === undefined) continue;
        delete volume.secret;
        volume.hostPath = { type: "Directory", path: options.secrets[secret.secretName ?? ""] ?? "" };
      }
      return {
        name,
        app: labels.app ?? "",
        container: `${name}-${pod.containers[0]?.name}`,
        adminPort,
        aliases: selecting.map((service) => service.metadata?.name ?? ""),
        manifest: { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: pod },
      };
    }),
  );
}

/** An emptyDir is a pod's own, but to podman its name is that of a volume which all pods share. */
function volumeName(pod: string, volume: string): string {
  return `${pod}-${volume}`;
}

function selects(service: IService, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(service.spec?.selector ?? {}).every(([key, value]) => labels[key] === value);
}

/** Pods that podman plays in a network of their own. */
export class KubePlay implements AsyncDisposable {
  readonly pods: readonly PlayedPod[];
  /** The URL of the storefront, as a load balancer would have it. */
  readonly storefront: string;
  /** Where the registry is for programs on this machine, as by `kubectl port-forward`. */
  readonly registry: string;
  readonly #network: string;
  readonly #secrets: ReadonlyMap<string, MountedSecret>;

  private constructor(pods: readonly PlayedPod[], network: string, options: PlayOptions, secrets: Map<string, MountedSecret>) {
    this.pods = pods;
    this.#network = network;
    this.#secrets = secrets;
    this.storefront = `http://127.0.0.1:${options.published[STOREFRONT]}`;
    this.registry = `127.0.0.1:${options.published[REGISTRY]}`;
  }

  /** Plays rendered manifests, with a Secret for each Deployment. Resolves when every pod says that it is ready. */
  static async start(rendered: string, authority: TestAuthority): Promise<KubePlay> {
    const network = `bookmesh-${process.pid}`;
    const secrets = new Map<string, MountedSecret>();
    for (const [, secretName = "", name] of rendered.matchAll(/secretName: ((.+)-tls)\n/g)) {
      secrets.set(secretName, await MountedSecret.create(authority, name));
    }
    const folders = [...secrets].map(([secretName, { folder }]) => [secretName, folder] as const);
    const options: PlayOptions = {
      prefix: network,
      published: { [STOREFRONT]: await freePort(), [REGISTRY]: await freePort() },
      secrets: Object.fromEntries(folders),
    };
    const play = new KubePlay(podsOf(rendered, options), network, options, secrets);
    const folder = await mkdtemp(join(tmpdir(), "bookmesh-play-"));
    try {
      await podman("network", "create", network);
      for (const pod of play.pods) {
        const file = join(folder, `${pod.name}.yaml`);
        await writeFile(file, stringify(pod.manifest));
        const aliases = pod.aliases.map((alias) => `alias=${alias}`);
        await podman("kube", "play", "--network", `${network}:${aliases.join(",")}`, file);
      }
      for (const pod of play.pods) await ready(pod);
      return play;
    } catch (error) {
      await play[Symbol.asyncDispose]();
      throw error;
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** Puts another certificate into the Secret of a service. */
  async renew(service: string): Promise<void> {
    await this.#secrets.get(`${service}-tls`)?.renew();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name } of this.pods) await podman("pod", "rm", "--force", "--ignore", name);
    const volumes = await podman("volume", "ls", "--quiet", "--filter", `name=^${this.#network}-`);
    for (const volume of volumes.split("\n").filter(Boolean)) await podman("volume", "rm", volume);
    await podman("network", "rm", "--force", this.#network);
    for (const secret of this.#secrets.values()) await secret[Symbol.asyncDispose]();
  }
}

/** Asks as a kubelet does, from inside: the address of a pod is not reachable from every machine. */
async function ready(pod: PlayedPod): Promise<void> {
  const ask = `const until = Date.now() + 30_000;
    const ask = () => fetch("http://localhost:${pod.adminPort}/readyz").then(({ ok }) => ok, () => false);
    while (!(await ask())) {
      if (Date.now() > until) throw new Error("not ready after 30 s");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }`;
  await podman("exec", pod.container, "node", "--input-type=module", "--eval", ask);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
