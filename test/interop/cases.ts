/**
 * The interoperability cases that are run, and what each of them checks.
 *
 * They are those of doc/interop-test-descriptions.md in grpc/grpc. The ones
 * left out need Google's cloud, a caching proxy, or a server that compresses,
 * which grpc-js has not.
 */
export const cases = {
  empty_unary: "A request and a response of no bytes at all.",
  large_unary: "A request of 271,828 bytes and a response of 314,159.",
  client_compressed_unary: "A request may be compressed or not, and the server can tell which.",
  client_streaming: "Four messages up, and the sum of their sizes down: 74,922 bytes.",
  client_compressed_streaming: "One stream carries a compressed message and then one that is not.",
  server_streaming: "Four messages down, of 31,415, 9, 2,653 and 58,979 bytes.",
  ping_pong: "Four messages up, each answered before the next is sent.",
  empty_stream: "A stream that carries no message in either direction ends with OK.",
  status_code_and_message: "The code and the message of a status arrive, from a unary call and from a stream.",
  special_status_message: "A status message arrives unchanged: white space at its ends, characters in and beyond the BMP.",
  unimplemented_method: "A method that the service does not implement: UNIMPLEMENTED.",
  unimplemented_service: "A service that the server does not have: UNIMPLEMENTED.",
  cancel_after_begin: "A stream is cancelled before its first message.",
  cancel_after_first_response: "A stream is cancelled after its first response.",
  timeout_on_sleeping_server: "A call of 1 ms that the server lets lie: DEADLINE_EXCEEDED.",
  custom_metadata: "Text comes back in the headers and bytes in the trailers, of a unary call and of a stream.",
} as const;

export type CaseName = keyof typeof cases;

export const caseNames = Object.keys(cases) as CaseName[];
