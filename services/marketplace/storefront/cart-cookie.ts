import type { CookieSerializeOptions } from "@fastify/cookie";
import type { FastifyReply, FastifyRequest } from "fastify";

/** As long as browsers keep any (RFC 6265bis): how long the cart of a guest is there is the affair of orders. */
const KEPT_SECONDS = 400 * 24 * 3_600;

/** The cookie with the secret by which a guest has a cart. No script reads it. */
export interface CartCookie {
  read(request: FastifyRequest): string | undefined;
  keep(reply: FastifyReply, guestCartId: string): void;
  clear(reply: FastifyReply): void;
}

/** @param options.secure whether browsers reach the shop by https, as for sessionCookies(). */
export function cartCookie({ secure }: { secure: boolean }): CartCookie {
  const name = `${secure ? "__Host-" : ""}bookmesh-cart`;
  const options: CookieSerializeOptions = { path: "/", httpOnly: true, sameSite: "lax", secure };
  return {
    read({ cookies }) {
      const id = cookies[name];
      return id !== undefined && /^[\w-]{1,64}$/.test(id) ? id : undefined;
    },
    keep: (reply, guestCartId) => void reply.setCookie(name, guestCartId, { ...options, maxAge: KEPT_SECONDS }),
    clear: (reply) => void reply.clearCookie(name, options),
  };
}
