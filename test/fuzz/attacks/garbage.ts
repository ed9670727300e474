import { type Attack, contractAt, ECHO, type Ground, goodHeaders, share, times } from "./attack.ts";
import { Flag, four, frame, headerBlock, indexed, PREFACE, remembered, Setting, settings, Type } from "./frames.ts";
import { RawConnection } from "./raw-connection.ts";

/** How long the server has to close a connection that is none. */
const WAIT_MS = 300;
const AT_ONCE = 16;

/** What is sent on a connection of its own each. */
function* beginnings({ random, placeOf }: Ground): Generator<[string, Buffer]> {
  const place = placeOf("bookmesh.testing.v1.EchoService");
  const block = headerBlock(goodHeaders(contractAt(ECHO), place));
  const greeting = Buffer.concat([PREFACE, settings()]);
  const after = (...parts: Uint8Array[]) => Buffer.concat([greeting, ...parts]);
  const open = frame(Type.HEADERS, Flag.END_HEADERS, 1, block);
  const big = "x".repeat(4_000);

  yield ["random bytes", random.bytes(1_000)];
  yield ["HTTP/1.1", Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")];
  yield ["a TLS handshake", Buffer.concat([Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]), random.bytes(194)])];
  yield ["half of a preface", PREFACE.subarray(0, 10)];
  yield ["a preface twice", Buffer.concat([PREFACE, PREFACE])];
  yield ["random bytes behind the preface", Buffer.concat([PREFACE, random.bytes(5_000)])];
  yield ["a frame of 16 MiB", after(frame(Type.DATA, 0, 1, random.bytes(100), 0xffffff))];
  yield ["a frame that is too large", after(open, frame(Type.DATA, 0, 1, Buffer.alloc(20_000)))];
  yield ["settings that are none", after(frame(Type.SETTINGS, 0, 0, random.bytes(7)))];
  yield ["settings of extremes", after(settings([1, -1], [2, 7], [3, 0], [4, -1], [5, 1], [6, 0], [99, 1]))];
  yield [
    "a window that shrinks below zero",
    after(open, settings([Setting.INITIAL_WINDOW_SIZE, 0]), frame(Type.WINDOW_UPDATE, 0, 1, four(0))),
  ];
  yield [
    "a window that grows too large",
    after(open, frame(Type.WINDOW_UPDATE, 0, 0, four(0x7fffffff)), frame(Type.WINDOW_UPDATE, 0, 1, four(0x7fffffff))),
  ];
  yield ["a window that grows by nothing", after(open, frame(Type.WINDOW_UPDATE, 0, 0, four(0)))];
  yield ["a reset of what is not open", after(frame(Type.RST_STREAM, 0, 7, four(8)))];
  yield ["a reset of the connection", after(frame(Type.RST_STREAM, 0, 0, four(8)))];
  yield ["data of what is not open", after(frame(Type.DATA, 0, 9, Buffer.alloc(10)))];
  yield ["a stream of the server's", after(frame(Type.HEADERS, Flag.END_HEADERS, 2, block))];
  yield ["streams backwards", after(frame(Type.HEADERS, 4, 9, block), frame(Type.HEADERS, 4, 3, block))];
  yield ["a stream opened twice", after(open, open)];
  yield ["the last stream there can be", after(frame(Type.HEADERS, 4, 0x7fffffff, block), frame(Type.HEADERS, 4, 1, block))];
  yield ["a push", after(open, frame(Type.PUSH_PROMISE, 4, 1, Buffer.concat([four(2), block])))];
  yield ["a stream that hangs on itself", after(frame(Type.HEADERS, 4 | 32, 1, Buffer.concat([four(1), Buffer.of(255), block])))];
  yield ["padding longer than the frame", after(frame(Type.HEADERS, 4 | 8, 1, Buffer.concat([Buffer.of(255), block])))];
  yield ["a ping of seven bytes", after(frame(Type.PING, 0, 0, Buffer.alloc(7)))];
  yield ["a goodbye", after(open, frame(Type.GOAWAY, 0, 0, Buffer.concat([four(0), four(11), random.bytes(10_000)])))];
  yield ["a continuation of nothing", after(frame(Type.CONTINUATION, 4, 1, block))];
  yield [
    "something between headers",
    after(frame(Type.HEADERS, 0, 1, block.subarray(0, 9)), frame(Type.PING, 0, 0, Buffer.alloc(8))),
  ];
  yield ["headers without end", after(frame(Type.HEADERS, 0, 1, block))];
  yield ["headers that are none", after(frame(Type.HEADERS, 5, 1, random.bytes(300)))];
  yield ["an index beyond the table", after(frame(Type.HEADERS, 5, 1, indexed(127)))];
  yield ["a table of 4 GiB", after(frame(Type.HEADERS, 5, 1, Buffer.from([0x3f, 0xff, 0xff, 0xff, 0xff, 0x0f])))];
  // One byte each brings four kilobytes: sixty megabytes in all.
  yield [
    "a header that is repeated",
    after(frame(Type.HEADERS, 5, 1, Buffer.concat([block, remembered("x-a", big), Buffer.alloc(12_000, indexed(62))]))),
  ];
  yield ["two methods", after(frame(Type.HEADERS, 5, 1, Buffer.concat([headerBlock({ ":method": "POST" }), block])))];
  yield ["no path", after(frame(Type.HEADERS, 5, 1, headerBlock({ ":method": "POST", ":scheme": "http" })))];
  yield [
    "a pseudo header behind others",
    after(frame(Type.HEADERS, 5, 1, Buffer.concat([block, headerBlock({ ":path": "/" })]))),
  ];
  yield ["capitals in a name", after(frame(Type.HEADERS, 5, 1, Buffer.concat([block, headerBlock({ "X-A": "a" })])))];
  yield [
    "a line break in a value",
    after(frame(Type.HEADERS, 5, 1, Buffer.concat([block, headerBlock({ "x-a": "a\r\nb: c\0" })]))),
  ];
  yield ["an empty name", after(frame(Type.HEADERS, 5, 1, Buffer.concat([block, headerBlock({ "": "a" })])))];
  yield [
    "what HTTP/2 has not",
    after(
      frame(Type.HEADERS, 5, 1, Buffer.concat([block, headerBlock({ connection: "close", "transfer-encoding": "chunked" })])),
    ),
  ];
  yield ["trailers that do not end", after(open, frame(Type.HEADERS, 4, 1, headerBlock({ "x-a": "b" })))];
  yield ["trailers with a path", after(open, frame(Type.HEADERS, 5, 1, block))];
  for (let type = 0; type < 20; type++) yield [`frames of type ${type}`, after(open, ...anything(type, random))];
}

function anything(type: number, random: Ground["random"]): Buffer[] {
  return Array.from({ length: 20 }, () =>
    frame(type, random.below(256), random.pick([0, 1, 1, 3, 2 ** 31]), random.bytes(random.pick([0, 1, 4, 5, 8, 9, 100]))),
  );
}

/** Connections on which there is no HTTP/2, or hardly. */
export const garbage: Attack = {
  name: "garbage frames",
  async run(ground) {
    const { port } = ground.placeOf("bookmesh.testing.v1.EchoService");
    const endings = { "closed by the server": 0, "kept open": 0 };
    const all = Array.from({ length: share(5, ground) }, () => [...beginnings(ground)]).flat();
    await times(all.length, AT_ONCE, async (index) => {
      const [, bytes] = all[index] as [string, Buffer];
      using connection = await RawConnection.open(port);
      await connection.send(bytes);
      endings[(await connection.untilClosed(WAIT_MS)) ? "closed by the server" : "kept open"]++;
    });
    return endings;
  },
};
