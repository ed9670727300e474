// An instance for the tests of the registry: it listens and says how it fares.
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** How an instance answers when it is asked for its health: a serving status of grpc.health.v1, or a gRPC status, or never. */
export type Answer = { serving: 0 | 1 | 2 } | { status: number } | "silent";

/** Something that listens and answers the questions of a registry, until it dies. */
export class TestInstance implements AsyncDisposable {
  answer: Answer = { serving: 1 };
  /** How often it was asked. */
  asked = 0;
  /** How many connections it has taken. */
  accepted = 0;
  readonly #left = Promise.withResolvers<void>();
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor() {
    this.#server.on("session", (session) => {
      this.accepted++;
      this.#sessions.add(session);
      session
        .on("error", () => {})
        .on("close", () => {
          this.#sessions.delete(session);
          this.#left.resolve();
        });
    });
    this.#server.on("stream", (stream) => this.#reply(stream));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when it has been asked so often. */
  async askedTimes(times: number): Promise<void> {
    while (this.asked < times) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when the first connection is closed. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Listens. The default is on all addresses of the machine: 127.0.0.1, 127.0.0.2 and so on. */
  async listen(port = 0, host = "0.0.0.0"): Promise<this> {
    await new Promise<void>((resolve, reject) => this.#server.once("error", reject).listen(port, host, resolve));
    // A test that fails in its middle must not keep the run from ending.
    this.#server.unref();
    return this;
  }

  /** Dies as a process does that is killed. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.hangUp();
    await closed;
  }

  /** Breaks all connections. */
  hangUp(): void {
    for (const session of this.#sessions) session.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.kill();
  }

  #reply(stream: ServerHttp2Stream): void {
    this.asked++;
    stream.on("error", () => {}).resume();
    const { answer } = this;
    if (answer === "silent") return;
    const headers = { ":status": 200, "content-type": "application/grpc" };
    if ("status" in answer) {
      stream.respond({ ...headers, "grpc-status": String(answer.status) }, { endStream: true });
      return;
    }
    stream.respond(headers, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, answer.serving]));
  }
}

/** Starts an instance on a free port. @returns to be bound with `await using`. */
export function startInstance(port?: number, host?: string): Promise<TestInstance> {
  return new TestInstance().listen(port, host);
}
