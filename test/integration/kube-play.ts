import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IPodSpec, IService } from "kubernetes-models/v1";
import { parseAllDocuments, stringify } from "yaml";
import { podman } from "./podman.ts";

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

/**
 * The pods that a cluster would make of rendered manifests.
 *
 * podman knows no Services: a Service becomes a name of each of its pods in the
 * network, and a Service for the outside a port of this machine. Left out is
 * what podman has in another form: probes, which it would run with a curl that
 * the image has not, and container ports, each of which it would publish.
 *
 * @param options.prefix of the names of pods and volumes, so that two plays do not meet.
 * @param options.storefrontPort where on 127.0.0.1 the Service for the outside is reached.
 */
export function podsOf(rendered: string, options: { prefix: string; storefrontPort: number }): PlayedPod[] {
  const objects: { kind: string }[] = parseAllDocuments(rendered).map((document) => document.toJS());
  const services = objects.filter(({ kind }) => kind === "Service") as unknown as IService[];
  const deployments = objects.filter(({ kind }) => kind === "Deployment") as unknown as IDeployment[];
  return deployments.flatMap(({ metadata, spec }) =>
    Array.from({ length: spec?.replicas ?? 1 }, (_, index) => {
      const name = `${options.prefix}-${metadata?.name}-${index}`;
      const labels = spec?.template.metadata?.labels ?? {};
      const selecting = services.filter((service) => selects(service, labels));
      const outside = selecting.filter((service) => service.spec?.clusterIP !== "None").map(targetPort);
      const pod = structuredClone(spec?.template.spec) as IPodSpec;
      const adminPort = pod.containers[0]?.ports?.find((port) => port.name === "admin")?.containerPort ?? 0;
      for (const container of pod.containers) {
        delete container.startupProbe;
        delete container.readinessProbe;
        delete container.livenessProbe;
        container.ports = (container.ports ?? [])
          .filter((port) => outside.includes(port.name))
          .map((port) => ({ ...port, hostIP: "127.0.0.1", hostPort: options.storefrontPort }));
        container.volumeMounts = container.volumeMounts?.map((mount) => ({ ...mount, name: volumeName(name, mount.name) })) ?? [];
      }
      pod.volumes = pod.volumes?.map((volume) => ({ ...volume, name: volumeName(name, volume.name) })) ?? [];
      for (const { persistentVolumeClaim: claim } of pod.volumes) {
        if (claim !== undefined) claim.claimName = `${options.prefix}-${claim.claimName}`;
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

function targetPort(service: IService) {
  return service.spec?.ports?.[0]?.targetPort;
}

/** Pods that podman plays in a network of their own. */
export class KubePlay implements AsyncDisposable {
  readonly pods: readonly PlayedPod[];
  readonly storefront: string;
  readonly #network: string;

  private constructor(pods: readonly PlayedPod[], network: string, storefrontPort: number) {
    this.pods = pods;
    this.#network = network;
    this.storefront = `http://127.0.0.1:${storefrontPort}`;
  }

  /** Plays rendered manifests. Resolves when every pod says that it is ready. */
  static async start(rendered: string): Promise<KubePlay> {
    const network = `bookmesh-${process.pid}`;
    const storefrontPort = await freePort();
    const play = new KubePlay(podsOf(rendered, { prefix: network, storefrontPort }), network, storefrontPort);
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

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name } of this.pods) await podman("pod", "rm", "--force", "--ignore", name);
    const volumes = await podman("volume", "ls", "--quiet", "--filter", `name=^${this.#network}-`);
    for (const volume of volumes.split("\n").filter(Boolean)) await podman("volume", "rm", volume);
    await podman("network", "rm", "--force", this.#network);
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
