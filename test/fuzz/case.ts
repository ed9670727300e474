import type { OutgoingHttpHeaders } from "node:http2";
import type { Status } from "nice-grpc-common";
import type { FuzzMethod } from "./methods.ts";
import type { Source } from "./wire.ts";

/** One call that no client would make. */
export interface FuzzCase {
  /** Under which it is counted. */
  readonly kind: string;
  /** What tells it from others of its kind. */
  readonly about: string;
  readonly method: FuzzMethod;
  /** Instead of those that a good caller would send; undefined leaves one out. */
  readonly headers?: OutgoingHttpHeaders;
  readonly body: Buffer;
  /** Whether the request is ended. The default is true. */
  readonly ended?: boolean;
  /** The one message that the body is, not compressed: what is expected follows from it. */
  readonly message?: Buffer;
  /** The text that was made none of. */
  readonly text?: Source | undefined;
  /** The field that a refusal has to name. */
  readonly breaks?: string | undefined;
  /** The statuses that are right. The default is what follows from the message. */
  readonly statuses?: readonly Status[];
  /** Statuses that are right besides. */
  readonly allows?: readonly Status[];
  /** How it may end. The default is with a status, and for a stream also that it goes on. */
  readonly endings?: readonly Outcome["ending"][];
  /** On a connection of its own, which it may break. */
  readonly alone?: boolean;
  /** The HTTP status with which it ends if it ends by HTTP. */
  readonly http?: number;
}

/** What came of a case. */
export interface Outcome {
  readonly ending:
    | "status"
    /** A stream that goes on: the first answer has come, or none until the caller left. */
    | "open"
    /** An answer of HTTP and none of gRPC. */
    | "http"
    | "reset"
    /** Nothing at all in time. */
    | "hang"
    /** The connection broke, and every other call on it. */
    | "disconnected";
  readonly status?: Status;
  readonly http?: number;
  /** As it was sent, percent-encoded. */
  readonly message?: string;
  /** The reason that the details have. */
  readonly reason?: string | undefined;
  /** The fields that the details name. */
  readonly fields?: readonly string[];
  readonly resetCode?: number;
  /** What the headers and trailers took. */
  readonly headerBytes?: number;
  readonly elapsedMs: number;
}
