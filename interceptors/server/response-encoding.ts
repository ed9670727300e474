import { BinaryWriter } from "@bufbuild/protobuf/wire";

interface MessageType<Message> {
  encode(message: Message, writer?: BinaryWriter): { finish(): Uint8Array };
}
interface Definition {
  readonly methods: Readonly<Record<string, { readonly responseType: MessageType<never> }>>;
}

/** A buffer that has grown beyond this is let go after use. */
const LARGEST_KEPT_BYTES = 65_536;

/**
 * The definition of a service whose responses are all encoded in one buffer.
 *
 * Encoding ends before anything else can begin, so one is enough; growing a new
 * one for each message costs more than the encoding itself.
 */
export function withSharedEncoder<T extends Definition>(definition: T): T {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    return [key, { ...method, responseType: encodedInOneBuffer(method.responseType) }];
  });
  return { ...definition, methods: Object.fromEntries(methods) };
}

let writer = new BinaryWriter();

function encodedInOneBuffer<Message, T extends MessageType<Message>>(type: T): T {
  const encode = (message: Message) => {
    try {
      // finish() gives a copy and leaves the buffer empty.
      const bytes = type.encode(message, writer).finish();
      if (bytes.length > LARGEST_KEPT_BYTES) writer = new BinaryWriter();
      return { finish: () => bytes };
    } catch (error) {
      // What stands in the buffer so far must not stand in front of the next message.
      writer = new BinaryWriter();
      throw error;
    }
  };
  return { ...type, encode };
}
