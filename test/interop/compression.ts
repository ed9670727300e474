interface MessageType {
  decode(bytes: Uint8Array): object;
}
interface Definition {
  readonly methods: Readonly<Record<string, { readonly requestType: MessageType }>>;
}

/** The length of what stands before each message on the wire: a flag for compression and the size. */
const PREFIX_BYTES = 5;

const compressedMessages = new WeakSet<object>();

/** Whether a request message, of a service that was wrapped, came compressed. */
export function cameCompressed(message: object): boolean {
  return compressedMessages.has(message);
}

/**
 * The definition of a service whose request messages are remembered if they came compressed.
 *
 * No handler of grpc-js is told. But a message that was not compressed is
 * decoded where it was received, right behind its prefix; one that was has been
 * inflated to another place.
 */
export function withCompression<T extends Definition>(definition: T): T {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const decode = (bytes: Uint8Array) => {
      const message = method.requestType.decode(bytes);
      if (!standsBehindItsPrefix(bytes)) compressedMessages.add(message);
      return message;
    };
    return [key, { ...method, requestType: { ...method.requestType, decode } }];
  });
  return { ...definition, methods: Object.fromEntries(methods) };
}

function standsBehindItsPrefix({ buffer, byteOffset, length }: Uint8Array): boolean {
  if (byteOffset < PREFIX_BYTES) return false;
  const prefix = new DataView(buffer, byteOffset - PREFIX_BYTES, PREFIX_BYTES);
  return prefix.getUint8(0) === 0 && prefix.getUint32(1) === length;
}
