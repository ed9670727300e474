import type { Channel } from "nice-grpc";
import { type RegisterServiceClient, RegisterServiceDefinition } from "../gen/bookstore/register/v1/register_service.ts";
import { type SessionServiceClient, SessionServiceDefinition } from "../gen/bookstore/register/v1/session_service.ts";
import { type ClientCallOptions, clientFactory } from "../interceptors/client/chain.ts";
import type { Logger } from "../runtime/logger.ts";

export type RegisterClient = RegisterServiceClient<ClientCallOptions>;
export type SessionClient = SessionServiceClient<ClientCallOptions>;

/**
 * A client of bookstore.register.v1.RegisterService. Deadlines and retries are the contract's.
 *
 * @param channel stays the caller's, to share and to close.
 */
export function registerClient(channel: Channel, logger: Logger): RegisterClient {
  return clientFactory({ logger }).create(RegisterServiceDefinition, channel);
}

/** A client of bookstore.register.v1.SessionService, likewise. */
export function sessionClient(channel: Channel, logger: Logger): SessionClient {
  return clientFactory({ logger }).create(SessionServiceDefinition, channel);
}
