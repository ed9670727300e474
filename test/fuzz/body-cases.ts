import { deflateSync, gzipSync } from "node:zlib";
import { Status } from "nice-grpc-common";
import { frame } from "../support/raw-call.ts";
import type { FuzzCase } from "./case.ts";
import { validRequest } from "./message-tree.ts";
import type { FuzzMethod } from "./methods.ts";
import type { Random } from "./random.ts";
import { encode } from "./wire.ts";

/** Whoever has a limit may also say that it is passed. */
const BROKEN = [Status.INTERNAL, Status.RESOURCE_EXHAUSTED];
/** gRPC has UNIMPLEMENTED for a call with too few messages, or too many. */
const CARDINALITY = [Status.UNIMPLEMENTED, Status.INTERNAL];
const MANY_FRAMES = 3_000;
/** As much as any server inflates, and more. */
const BOMB_BYTES = 60_000_000;

const bomb = gzipSync(Buffer.alloc(BOMB_BYTES));

/** Requests of one method whose bodies are no sequence of whole messages, or one that is compressed with intent. */
export function bodyCases(method: FuzzMethod, random: Random): FuzzCase[] {
  const valid = encode(validRequest(method.input, { registry: method.registry, random, variant: 0 }));
  const many = method.contract.kind === "client_streaming" || method.contract.kind === "bidi_streaming";
  const garbage = random.bytes(40);
  const of = (kind: string, about: string, body: Uint8Array, rest: Partial<FuzzCase> = {}): FuzzCase => ({
    ...{ kind, about, method, body: Buffer.from(body) },
    ...rest,
  });
  const framing = (about: string, body: Uint8Array, statuses: Status[] | undefined, rest: Partial<FuzzCase> = {}) =>
    of("framing", about, body, { ...(statuses && { statuses }), ...rest });
  const packed = (about: string, message: Uint8Array, encoding: string, statuses?: Status[]) =>
    of("compression", about, frame(message, 1), { headers: { "grpc-encoding": encoding }, ...(statuses && { statuses }) });
  const withFlag = (flag: number) => Buffer.concat([Buffer.from([flag]), frame(valid).subarray(1)]);
  const claiming = (bytes: number) => {
    const framed = frame(valid);
    framed.writeUInt32BE(bytes, 1);
    return framed;
  };
  const zipped = gzipSync(valid);
  return [
    framing("no message", Buffer.alloc(0), many ? undefined : CARDINALITY),
    framing("two messages", Buffer.concat([frame(valid), frame(valid)]), many ? undefined : CARDINALITY),
    framing("a message of 4 GiB", claiming(2 ** 32 - 1), [Status.RESOURCE_EXHAUSTED], { ended: false }),
    framing("a message of 4 GiB that ends", claiming(2 ** 32 - 1), [Status.RESOURCE_EXHAUSTED]),
    framing("a message that is shorter than it says", claiming(valid.length + 1), BROKEN),
    framing(
      "a message and three bytes",
      Buffer.concat([frame(valid), Buffer.alloc(3)]),
      many ? undefined : [...BROKEN, ...CARDINALITY],
      { allows: BROKEN },
    ),
    framing("a flag and no length", Buffer.from([0]), BROKEN),
    ...[2, 3, 0x80, 0xff].map((flag) => framing(`the flag ${flag}`, withFlag(flag), BROKEN)),
    framing(`${MANY_FRAMES} empty messages`, Buffer.concat(Array(MANY_FRAMES).fill(frame(Buffer.alloc(0)))), undefined, {
      allows: CARDINALITY,
    }),
    of("compression", "compressed, and nobody says how", withFlag(1), { statuses: [Status.INTERNAL] }),
    ...["snappy", "br", "GZIP", "gzip, gzip", "identity;q=1", "x".repeat(1_000)].map((encoding) =>
      packed(`an unknown encoding, ${encoding.slice(0, 20)}`, valid, encoding, [Status.UNIMPLEMENTED, Status.INTERNAL]),
    ),
    packed("no gzip", garbage, "gzip", BROKEN),
    packed("no deflate", garbage, "deflate", BROKEN),
    packed("half of a gzip", zipped.subarray(0, zipped.length >> 1), "gzip", BROKEN),
    packed("nothing, compressed", Buffer.alloc(0), "gzip", [...BROKEN, Status.UNIMPLEMENTED]),
    packed("a gzip with a wrong sum", Buffer.concat([zipped.subarray(0, -8), Buffer.alloc(8, 0xff)]), "gzip", BROKEN),
    packed("deflate that is gzip", zipped, "deflate", BROKEN),
    of("compression", "two gzips in one", frame(Buffer.concat([zipped, zipped]), 1), {
      headers: { "grpc-encoding": "gzip" },
      message: Buffer.concat([valid, valid]),
    }),
    of("compression", "deflate", frame(deflateSync(valid), 1), { headers: { "grpc-encoding": "deflate" }, message: valid }),
    of("compression", `${MANY_FRAMES} messages of nothing, compressed`, manyPacked(Buffer.alloc(0)), {
      ...{ headers: { "grpc-encoding": "gzip" }, statuses: [...BROKEN, Status.UNIMPLEMENTED] },
    }),
    of("compression bomb", `${MANY_FRAMES} small ones`, manyPacked(gzipSync(Buffer.alloc(20_000))), {
      ...{ headers: { "grpc-encoding": "gzip" }, statuses: [...BROKEN, Status.UNIMPLEMENTED, Status.INVALID_ARGUMENT] },
    }),
    packed("a bomb", bomb, "gzip", [Status.RESOURCE_EXHAUSTED]),
  ];
}

function manyPacked(bytes: Uint8Array): Buffer {
  return Buffer.concat(Array(MANY_FRAMES).fill(frame(bytes, 1)));
}
