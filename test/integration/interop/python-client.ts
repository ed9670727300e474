import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { CaseName } from "../../interop/cases.ts";
import type { InteropServer } from "../../interop/server.ts";
import { pythonWithGrpc } from "../requirements.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const CLIENT = fileURLToPath(new URL("client.py", import.meta.url));
const CONTRACTS = ["test.proto", "mesh/policy/v1/policy.proto"];
/** Relative to the root. The first makes the code lie beside Python's own package "grpc", not within. */
const CONTRACT_FOLDERS = ["test/support/protos/grpc/testing", "protos", "node_modules/google-proto-files"];

/** The Python client of the interoperability tests, in a process of its own. */
export class PythonClient implements AsyncDisposable {
  readonly #process;
  readonly #lines;
  readonly #folder: string;
  /** The version of grpcio, which is that of C-core. */
  version = "";
  /** What it can run. */
  cases: readonly string[] = [];

  private constructor(folder: string, { address, credentialsFolder }: InteropServer) {
    const env = { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
    const args = [CLIENT, address, ...(credentialsFolder === undefined ? [] : [credentialsFolder])];
    this.#folder = folder;
    this.#process = spawn(pythonWithGrpc() ?? "", args, { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Generates the code of the contract and starts the client. */
  static async open(server: InteropServer): Promise<PythonClient> {
    const folder = await mkdtemp(join(tmpdir(), "bookmesh-interop-python-"));
    const plugin = "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin";
    const args = [...CONTRACT_FOLDERS.map((path) => `-I${path}`), plugin];
    await promisify(execFile)("protoc", [...args, `--python_out=${folder}`, `--grpc_python_out=${folder}`, ...CONTRACTS], {
      cwd: ROOT,
    });
    const client = new PythonClient(folder, server);
    const { grpc, cases } = await client.#answer();
    client.version = grpc;
    client.cases = cases;
    return client;
  }

  /** @returns what went wrong, if anything did. */
  async run(name: CaseName): Promise<string | undefined> {
    this.#process.stdin.write(`${name}\n`);
    return (await this.#answer()).problem ?? undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
    await rm(this.#folder, { recursive: true });
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the Python client has ended");
    return JSON.parse(value);
  }
}
