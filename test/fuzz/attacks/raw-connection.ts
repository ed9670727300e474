import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Flag, frame, headerBlock, PREFACE, settings, Type } from "./frames.ts";

/** A connection of which every byte is written by hand. What comes is counted and thrown away. */
export class RawConnection implements Disposable {
  /** How many frames of each type have come. */
  readonly received = new Map<number, number>();
  readonly #socket: Socket;
  #rest = Buffer.alloc(0);
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
    });
    socket.on("data", (bytes: Buffer) => this.#count(bytes));
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  /** Opens one, and begins as a client of HTTP/2 does. */
  static async greet(port: number): Promise<RawConnection> {
    const connection = await RawConnection.open(port);
    connection.#socket.write(Buffer.concat([PREFACE, settings(), frame(Type.SETTINGS, Flag.ACK, 0)]));
    return connection;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when the other side has taken it, or is gone. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#closed || this.#socket.write(bytes)) return;
    await Promise.race([once(this.#socket, "drain"), once(this.#socket, "close")]).catch(() => {});
  }

  /** Opens a stream. */
  async request(stream: number, headers: Readonly<Record<string, string>>, flags: number = Flag.END_HEADERS): Promise<void> {
    await this.send(frame(Type.HEADERS, flags, stream, headerBlock(headers)));
  }

  /** Resolves when the other side has closed it, or after so long. @returns whether it has. */
  async untilClosed(ms: number): Promise<boolean> {
    if (!this.#closed) await Promise.race([once(this.#socket, "close"), new Promise((resolve) => setTimeout(resolve, ms))]);
    return this.#closed;
  }

  /** Reads nothing any more. */
  pause(): void {
    this.#socket.pause();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #count(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3) + 9;
      if (this.#rest.length < length) return;
      const type = this.#rest.readUInt8(3);
      this.received.set(type, (this.received.get(type) ?? 0) + 1);
      this.#rest = this.#rest.subarray(length);
    }
  }
}
