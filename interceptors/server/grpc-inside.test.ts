import { createRequire } from "node:module";
import { frame } from "../../test/support/raw-call.ts";
import { BETWEEN_MESSAGES, type Decoder, keepNoMoreThanNeeded } from "./grpc-inside.ts";

const { StreamDecoder } = createRequire(import.meta.url)("@grpc/grpc-js/build/src/stream-decoder.js") as {
  StreamDecoder: new (limit: number) => Decoder;
};

/** Messages that came in pieces of so many bytes. */
function decoded(bytes: Buffer, pieceBytes: number) {
  const decoder = new StreamDecoder(1_000_000);
  const messages: Buffer[] = [];
  let [mostParts, keptBytes] = [0, 0];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    messages.push(...decoder.write(bytes.subarray(at, at + pieceBytes)));
    if (decoder.readState === BETWEEN_MESSAGES) continue;
    keepNoMoreThanNeeded(decoder);
    const kept = [decoder.readCompressFlag, ...decoder.readPartialMessage];
    mostParts = Math.max(mostParts, kept.length);
    // What is really kept is all of the memory that lies behind.
    const behind = new Set(decoder.readPartialMessage.map(({ buffer }) => buffer));
    keptBytes = Math.max(
      keptBytes,
      [...behind].reduce((sum, { byteLength }) => sum + byteLength, 0),
    );
  }
  return { messages, mostParts, keptBytes };
}

test.each([1, 2, 7, 100, 1_000, 5_000, 16_384])("a message that comes in pieces of %i bytes is as it was sent", (pieceBytes) => {
  const sent = [Buffer.alloc(0), Buffer.from("hello"), Buffer.from(Array.from({ length: 20_000 }, (_, i) => i % 251))];

  const { messages } = decoded(Buffer.concat(sent.map((message) => frame(message))), pieceBytes);

  expect(messages).toEqual(sent.map((message) => frame(message)));
});

test("of a message that comes byte by byte little more is kept than its bytes", () => {
  const bytes = frame(Buffer.alloc(20_000, 7));

  const { mostParts, keptBytes } = decoded(bytes, 1);

  expect(keptBytes).toBeLessThanOrEqual(bytes.length);
  expect(mostParts).toBeLessThan(20);
});
