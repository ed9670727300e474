import { setTimeout as pause } from "node:timers/promises";
import { frame as message } from "../../support/raw-call.ts";
import { type Attack, contractAt, ECHO, type Ground, goodHeaders, share } from "./attack.ts";
import { Flag, frame, headerBlock, PREFACE, settings, Type } from "./frames.ts";
import { RawConnection } from "./raw-connection.ts";

/** For how long at full scale it is held. */
const HOLD_MS = 15_000;
const BYTE_EVERY_MS = 20;

/** Opens connections, holds them, and looks which of them are left. */
async function hold(
  ground: Ground,
  count: number,
  begin: (connection: RawConnection, index: number, until: number) => Promise<void>,
): Promise<Record<string, number>> {
  const { port } = ground.placeOf("bookmesh.testing.v1.EchoService");
  const until = performance.now() + HOLD_MS * ground.scale;
  const endings = { "closed by the server": 0, "kept open": 0, "not let in": 0 };
  const one = async (index: number) => {
    const connection = await RawConnection.open(port).catch(() => undefined);
    if (connection === undefined) {
      endings["not let in"]++;
      return;
    }
    using _ = connection;
    await begin(connection, index, until);
    const closed = await connection.untilClosed(Math.max(0, until - performance.now()));
    endings[closed ? "closed by the server" : "kept open"]++;
  };
  await Promise.all(Array.from({ length: share(count, ground) }, (_, index) => one(index)));
  return endings;
}

/** Sends it a byte at a time. */
async function drip(connection: RawConnection, bytes: Uint8Array, until: number): Promise<void> {
  for (const byte of bytes) {
    if (performance.now() > until || connection.closed) return;
    await connection.send(Buffer.of(byte));
    await pause(BYTE_EVERY_MS);
  }
}

const GREETING = Buffer.concat([PREFACE, settings(), frame(Type.SETTINGS, Flag.ACK, 0)]);

export const patience: readonly Attack[] = [
  { name: "silent connections", run: (ground) => hold(ground, 600, async () => {}) },
  { name: "silent after the greeting", run: (ground) => hold(ground, 600, (connection) => connection.send(GREETING)) },
  {
    name: "slow greetings and headers",
    run(ground) {
      const place = ground.placeOf("bookmesh.testing.v1.EchoService");
      const block = headerBlock(goodHeaders(contractAt(ECHO), place));
      const bytes = Buffer.concat([GREETING, frame(Type.HEADERS, 0, 1, block.subarray(0, 50))]);
      return hold(ground, 200, (connection, _index, until) => drip(connection, bytes, until));
    },
  },
  {
    name: "slow bodies",
    run(ground) {
      const place = ground.placeOf("bookmesh.testing.v1.EchoService");
      const block = headerBlock(goodHeaders(contractAt(ECHO), place));
      const body = message(Buffer.alloc(4_000, 0x61));
      const parts = Buffer.concat([...body].map((byte) => frame(Type.DATA, 0, 1, Buffer.of(byte))));
      return hold(ground, 200, async (connection, _index, until) => {
        await connection.send(Buffer.concat([GREETING, frame(Type.HEADERS, Flag.END_HEADERS, 1, block)]));
        await drip(connection, parts, until);
      });
    },
  },
];
