import type { Any } from "../gen/google/protobuf/any.ts";
import { BadRequest, ErrorInfo, RetryInfo } from "../gen/google/rpc/error_details.ts";
import { Status } from "../gen/google/rpc/status.ts";
import type { FieldViolation } from "../runtime/errors.ts";

/** The trailer that carries a google.rpc.Status (gRPC's richer error model). */
export const STATUS_DETAILS_KEY = "grpc-status-details-bin";

/** The domain of every ErrorInfo of the mesh. */
const DOMAIN = "bookmesh.local";

/** What a failed call tells besides its code and message. */
export interface FailureDetails {
  reason: string | undefined;
  metadata: Readonly<Record<string, string>>;
  violations: readonly FieldViolation[];
  retryAfterMs: number | undefined;
}

/** The value of the trailer; undefined if there is nothing to tell. */
export function encodeDetails(code: number, message: string, failure: FailureDetails): Buffer | undefined {
  const details: Any[] = [];
  if (failure.reason !== undefined) {
    const info = { reason: failure.reason, domain: DOMAIN, metadata: new Map(Object.entries(failure.metadata)) };
    details.push(any("google.rpc.ErrorInfo", ErrorInfo.encode(ErrorInfo.fromPartial(info)).finish()));
  }
  if (failure.violations.length > 0) {
    const request = BadRequest.fromPartial({ fieldViolations: [...failure.violations] });
    details.push(any("google.rpc.BadRequest", BadRequest.encode(request).finish()));
  }
  if (failure.retryAfterMs !== undefined) {
    const nanos = Math.round((failure.retryAfterMs % 1_000) * 1_000_000);
    const retryDelay = { seconds: BigInt(Math.trunc(failure.retryAfterMs / 1_000)), nanos };
    details.push(any("google.rpc.RetryInfo", RetryInfo.encode({ retryDelay }).finish()));
  }
  if (details.length === 0) return undefined;
  return Buffer.from(Status.encode({ code, message, details }).finish());
}

/** What a trailer tells. Details of types that are not known here are left out, and so is a trailer that cannot be read. */
export function decodeDetails(trailer: Uint8Array | undefined): FailureDetails {
  const details: Details = { reason: undefined, metadata: {}, violations: [], retryAfterMs: undefined };
  if (trailer === undefined) return details;
  try {
    for (const detail of Status.decode(trailer).details) addDetail(details, detail);
  } catch {
    // Whatever a server of others puts there, the status itself still counts.
  }
  return details;
}

type Details = { -readonly [K in keyof FailureDetails]: FailureDetails[K] };

function addDetail(details: Details, { typeUrl, value }: Any): void {
  switch (typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) {
    case "google.rpc.ErrorInfo": {
      const { reason, metadata } = ErrorInfo.decode(value);
      details.reason = reason;
      details.metadata = Object.fromEntries(metadata);
      break;
    }
    case "google.rpc.BadRequest":
      details.violations = BadRequest.decode(value).fieldViolations.map(({ field, description }) => ({ field, description }));
      break;
    case "google.rpc.RetryInfo": {
      const { retryDelay } = RetryInfo.decode(value);
      if (retryDelay !== undefined) details.retryAfterMs = Number(retryDelay.seconds) * 1_000 + retryDelay.nanos / 1_000_000;
      break;
    }
  }
}

function any(typeName: string, value: Uint8Array): Any {
  return { typeUrl: `type.googleapis.com/${typeName}`, value: Buffer.from(value) };
}
