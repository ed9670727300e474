import { ChannelCredentials, ServerCredentials } from "@grpc/grpc-js";
import type { Channel } from "nice-grpc";
import { openChannel } from "../../clients/channel.ts";
import type { Security, ServerSecurity } from "../../runtime/security.ts";
import { DEFAULT_TRUST_DOMAIN } from "../../runtime/spiffe.ts";

/** A channel without TLS. @returns the channel, which is the caller's to close. */
export function openPlaintextChannel(target: string, settings: { bootstrap?: string } = {}): Channel {
  return openChannel(target, { ...settings, service: "any", credentials: plaintext() });
}

/** Metadata with which a test says who calls, where nobody has to prove it. */
export const CALLER_HEADER = "x-test-caller";

/**
 * Connections without TLS, for tests that are about something else.
 *
 * @param name whose calls they are, where the call itself does not say it by CALLER_HEADER.
 */
export function plaintext(name = "gateway"): Security {
  return {
    server: () => plaintextServer(name),
    channel: () => ChannelCredentials.createInsecure(),
    secure: async (socket) => socket,
  };
}

function plaintextServer(name: string): ServerSecurity {
  return {
    credentials: ServerCredentials.createInsecure(),
    callerOf: (_session, headers) => ({
      identity: { trustDomain: DEFAULT_TRUST_DOMAIN, name: String(headers[CALLER_HEADER] ?? name) },
      validUntil: Number.POSITIVE_INFINITY,
    }),
  };
}
