import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyRequest } from "fastify";

/** How long a file may be on its way: as long as documents waits for one. */
export const UPLOAD_MS = 3_600_000;
/** How long nothing may come, or documents take nothing: as long as it waits itself. */
const SILENCE_MS = 60_000;
/** How long what is sent behind an answer is read and thrown away: browsers look at none before they have sent it all. */
const LINGER_MS = 30_000;

/** On which a file is coming. */
const uploading = new WeakSet<Socket>();

/**
 * Lets a request take its time, which others may not.
 *
 * @returns to be let go of when it is answered: then what is still to come has half a minute.
 */
export function patienceWith({ raw }: FastifyRequest): Disposable {
  const { socket } = raw;
  uploading.add(socket);
  raw.setTimeout(SILENCE_MS);
  const end = () => void raw.destroy();
  let timer = setTimeout(end, UPLOAD_MS).unref();
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      if (raw.readableEnded || raw.destroyed) return void uploading.delete(socket);
      timer = setTimeout(end, LINGER_MS).unref();
      raw.once("close", () => {
        clearTimeout(timer);
        uploading.delete(socket);
      });
      raw.unpipe();
      raw.resume();
    },
  };
}

const STATUSES: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** Ends connections whose requests take too long or are none. Those with files are ended by whoever has patience with them. */
export function endConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  const { code = "" } = error;
  if (code === "ERR_HTTP_REQUEST_TIMEOUT" && uploading.has(socket)) return;
  if (code === "ECONNRESET" || socket.destroyed) return;
  const status = STATUSES[code] ?? 400;
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  }
  socket.destroy(error);
}
