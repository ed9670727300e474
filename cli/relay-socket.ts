import { lstatSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { BadSettings } from "./bad-settings.ts";

/** The system's limit (sun_path), less the zero at its end. */
const LONGEST_PATH = process.platform === "linux" ? 107 : 103;

/** Thrown when somebody listens on a socket already. */
export class SocketTaken extends Error {
  override readonly name = "SocketTaken";
}

/** Where `bookmesh relay` listens if it is not told. */
export function defaultSocket(data: string): string {
  return join(data, "relay.sock");
}

export function parseSocket(path: string): string {
  if (path.startsWith("unix:")) throw new InvalidArgumentError("Expected a path, without unix: in front.");
  return path;
}

/**
 * Listens on a socket that only this user can open. What a process that was killed has left there is taken away.
 *
 * @throws SocketTaken
 * @throws BadSettings if the path cannot be that of a socket.
 */
export async function listenOnSocket(path: string, onConnection: (client: Socket) => void): Promise<Server> {
  const absolute = resolve(path);
  if (Buffer.byteLength(absolute) > LONGEST_PATH) {
    throw new BadSettings(
      `${absolute}: the path of a socket has ${LONGEST_PATH} bytes at the most: choose another one with --socket`,
    );
  }
  const there = lstatSync(absolute, { throwIfNoEntry: false });
  if (there !== undefined && !there.isSocket()) throw new BadSettings(`${absolute} is there, and is no socket`);
  if (there !== undefined) {
    if (await answers(absolute))
      throw new SocketTaken(`somebody listens on ${absolute} already: choose another one with --socket`);
    rmSync(absolute, { force: true });
  }
  const server = createServer(onConnection);
  // The socket is never there with wider permissions: listen() makes it before it returns.
  const umask = process.umask(0o177);
  try {
    server.listen(absolute);
  } finally {
    process.umask(umask);
  }
  await new Promise<void>((done, fail) => server.once("listening", done).once("error", fail));
  return server;
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection(path);
    socket.once("error", () => done(false));
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
  });
}
