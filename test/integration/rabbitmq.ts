import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib";
import { rabbitmqBin } from "./requirements.ts";

/** How long a broker may take to start: Erlang is in no hurry. */
const START_MS = 90_000;

/** A RabbitMQ of our own, with its data in a folder of its own. */
export interface Rabbitmq extends AsyncDisposable {
  readonly port: number;
  /** For a user who may do everything. */
  readonly url: string;
  /** Stops it as a machine does that loses its power. */
  stop(): Promise<void>;
  /** Starts it again with the same data. */
  start(): Promise<void>;
  restart(): Promise<void>;
}

/** Starts a broker on a free port. Dispose stops it and removes its data. */
export async function startRabbitmq(): Promise<Rabbitmq> {
  const bin = rabbitmqBin();
  if (bin === undefined) throw new Error("there is no RabbitMQ on this machine");
  const folder = mkdtempSync(join(tmpdir(), "bookmesh-rabbitmq-"));
  const [port, distributionPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  const env = {
    PATH: process.env.PATH,
    // The Erlang cookie is made there.
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: `bookmesh${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(folder, "data"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_CONFIG_FILE: join(folder, "none"),
    RABBITMQ_CONF_ENV_FILE: join(folder, "none"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
  };
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  // A child like the others; RabbitMQ would start one that outlives it.
  const portMapper = spawn("epmd", ["-port", String(epmdPort), "-address", "127.0.0.1"], {
    env,
    stdio: "ignore",
    detached: true,
  });
  const run = async () => {
    const child = spawn(join(bin, "rabbitmq-server"), [], { cwd: folder, env, stdio: "ignore", detached: true });
    await untilReady(url, child);
    return child;
  };

  let child = await run();
  const stop = () => kill(child);
  const start = async () => {
    child = await run();
  };
  return {
    ...{ port, url, stop, start },
    async restart() {
      await stop();
      await start();
    },
    async [Symbol.asyncDispose]() {
      await kill(child);
      await kill(portMapper);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** With all that it has started: the shell that starts Erlang, and what Erlang starts. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGKILL");
  await ended;
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const giveUpAt = Date.now() + START_MS;
  while (true) {
    try {
      const connection = await connect(url);
      await connection.close();
      return;
    } catch (error) {
      if (child.exitCode !== null) throw new Error(`RabbitMQ has ended with ${child.exitCode}`);
      if (Date.now() > giveUpAt) throw error;
    }
    await sleep(200);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
