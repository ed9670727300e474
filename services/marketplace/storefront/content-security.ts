import type { FastifyHelmetOptions } from "@fastify/helmet";

type Policy = Exclude<FastifyHelmetOptions["contentSecurityPolicy"], boolean | undefined>;

const directives = {
  defaultSrc: ["'none'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
};

/** Pages that show what the shop has, and run nothing. */
export const STILL_PAGE: Policy = { useDefaults: false, directives };

/** The one that gets news while it is open, by a script of the shop's own. */
export const LIVE_PAGE: Policy = {
  useDefaults: false,
  directives: { ...directives, scriptSrc: ["'self'"], connectSrc: ["'self'"] },
};
