// HTTP/2 by hand (RFC 9113, section 6; RFC 7541, section 6.2): for what no library sends.

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const Type = {
  ...{ DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5 },
  ...{ PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8, CONTINUATION: 9 },
} as const;
export const Flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;
export const Setting = { HEADER_TABLE_SIZE: 1, MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5 } as const;

const HEAD_BYTES = 9;

/** A frame. @param length what it says, if not what it has. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
  length?: number,
): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(length ?? payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

export function settings(...values: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  values.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value >>> 0, index * 6 + 2);
  });
  return frame(Type.SETTINGS, 0, 0, payload);
}

/** A number of four bytes, as several frames have nothing else. */
export function four(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Headers as literals that no table remembers. */
export function headerBlock(headers: Readonly<Record<string, string | undefined>>): Buffer {
  const fields = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Buffer.concat(fields.map(([name, value = ""]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));
}

/** A header that the table of the receiver remembers: the newest is number 62 from then on. */
export function remembered(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
}

/** A header of the table. */
export function indexed(number: number): Buffer {
  return Buffer.from([0x80 | number]);
}

/** A string of HPACK, without Huffman's code. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  while (rest > 127) {
    length.push((rest & 127) | 128);
    rest >>= 7;
  }
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
