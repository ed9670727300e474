import fastifyCookie from "@fastify/cookie";
import formBody from "@fastify/formbody";
import helmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { ClientError, Status } from "nice-grpc-common";
import { currentCall, runInCall } from "../../../runtime/call-context.ts";
import { Failure } from "../../../runtime/errors.ts";
import { WEB_LIMITS } from "../../../runtime/http/limits.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { continueTrace } from "../../../runtime/trace-context.ts";
import { BrowserSessions, type BrowserSessionsDeps } from "./browser-sessions.ts";
import { cartCookie } from "./cart-cookie.ts";
import { mergeCartsOfGuests } from "./carts.ts";
import { STILL_PAGE } from "./content-security.ts";
import { framePages } from "./frame.ts";
import { showPage } from "./page.ts";
import { problemPage } from "./pages/problem.ts";
import { pictureRoutes, type ShopDeps, shopRoutes } from "./routes.ts";
import { sampleRoutes } from "./samples.ts";
import { sessionCookies } from "./session-cookies.ts";
import { recogniseVisitors } from "./session-hook.ts";
import { endConnection } from "./uploads-timing.ts";

/** How long a page may take with everything it asks of others, in milliseconds, unless its route says otherwise. */
const PAGE_DEADLINE_MS = 5_000;
const MAX_FORM_BYTES = 16_384;
/** A browser opens six, and a proxy some for all of them. */
const MOST_CONNECTIONS = 2_048;

declare module "fastify" {
  interface FastifyContextConfig {
    /** How long what is asked of others for this route may take, in milliseconds. */
    deadlineMs?: number;
    /** Whether it is no page of the shop unless something goes wrong. The default is false. */
    bare?: boolean;
  }
}

/** What the pages ask. */
export type StorefrontClients = Omit<ShopDeps, "store" | "cookies" | "cartCookie" | "now" | "logger"> & {
  register: BrowserSessionsDeps["register"];
  sessions: BrowserSessionsDeps["sessions"];
};

export interface StorefrontOptions extends StorefrontClients {
  store: ShopDeps["store"];
  verifyUserToken: BrowserSessionsDeps["verifyUserToken"];
  logger: Logger;
  /** Where browsers find the shop. With https the cookies of sessions are for https alone. The default is plain HTTP. */
  publicUrl?: string | undefined;
  /** Whose X-Forwarded-For says where a request comes from: IP addresses and networks. The default is nobody's. */
  trustedProxies?: readonly string[];
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** The web server of the shop. Not listening yet; the caller closes it. */
export async function storefront(options: StorefrontOptions): Promise<FastifyInstance> {
  const { logger, publicUrl = "", trustedProxies = [], now = Date.now } = options;
  const secure = publicUrl.startsWith("https:");
  const cookies = sessionCookies({ secure, now });
  const browsers = new BrowserSessions({ ...options, now });
  const deps: ShopDeps = { ...options, now, cookies, cartCookie: cartCookie({ secure }) };
  const app = fastify({
    ...WEB_LIMITS,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    bodyLimit: MAX_FORM_BYTES,
    clientErrorHandler: endConnection,
    routerOptions: { maxParamLength: 100 },
    ajv: { customOptions: { coerceTypes: true } },
    // What is wrong with an address is found before any hook is called: it has no headers of helmet's.
    frameworkErrors: (_error, _request, reply) => {
      const answer = (reply as unknown as FastifyReply).code(400).header("x-content-type-options", "nosniff");
      void showPage(answer, problemPage(BAD_REQUEST.heading, BAD_REQUEST.sentence));
    },
  });
  app.server.maxConnections = MOST_CONNECTIONS;

  // Calls made for a page belong to its trace and end with its deadline.
  app.addHook("onRequest", (request, _reply, done) => {
    const header = request.headers.traceparent;
    const trace = continueTrace(typeof header === "string" ? header : undefined);
    const path = `${request.method} ${request.routeOptions.url ?? "(no route)"}`;
    const { deadlineMs = PAGE_DEADLINE_MS } = request.routeOptions.config ?? {};
    runInCall({ path, trace, deadline: Date.now() + deadlineMs }, done);
  });
  app.addHook("onResponse", async (request, reply) => {
    const call = currentCall();
    logger.info(
      {
        path: call?.path,
        peer: request.ip,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime * 1_000) / 1_000,
        trace_id: call?.trace.traceId,
        span_id: call?.trace.spanId,
      },
      "page served",
    );
  });
  app.addHook("onRequest", async (request, reply) => {
    if (request.method === "POST" && isCrossSite(request)) {
      return showPage(reply.status(403), problemPage("Not from here", "This form was sent from another site."));
    }
  });
  await app.register(helmet, {
    contentSecurityPolicy: STILL_PAGE,
    // Whoever puts TLS in front says so there; over plain HTTP browsers ignore it.
    strictTransportSecurity: false,
    referrerPolicy: { policy: "same-origin" },
  });
  await app.register(formBody);
  await app.register(fastifyCookie);
  await app.register(fastifyStatic, { root: new URL("./public", import.meta.url), prefix: "/assets/", maxAge: "1h" });

  app.setErrorHandler<FastifyError | Failure>((error, _request, reply) => {
    const { status, heading, sentence } = explain(error);
    if (status >= 500) logger.error({ err: error }, "page failed");
    return showPage(reply.status(status), problemPage(heading, sentence));
  });
  // What is the same for everybody is asked for without looking who asks.
  pictureRoutes(app, deps);
  sampleRoutes(app, deps);
  await app.register(async (pages) => {
    recogniseVisitors(pages, { browsers, cookies });
    mergeCartsOfGuests(pages, deps);
    framePages(pages, deps);
    pages.setNotFoundHandler((_request, reply) =>
      showPage(reply.status(404), problemPage(NOT_FOUND.heading, NOT_FOUND.sentence)),
    );
    await shopRoutes(pages, deps);
  });
  return app;
}

/**
 * Whether a browser sends a form of another site (OWASP, cross-site request forgery prevention).
 *
 * Browsers say so by Sec-Fetch-Site or, over plain HTTP, by Origin only. What is no browser says neither.
 */
function isCrossSite({ headers, host }: FastifyRequest): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site !== "same-origin" && site !== "none";
  return headers.origin !== undefined && headers.origin !== `http://${host}` && headers.origin !== `https://${host}`;
}

function explain(error: FastifyError | Failure): { status: number; heading: string; sentence: string } {
  if (error instanceof Failure && error.kind === "not-found") {
    return { status: 404, heading: "Book not found", sentence: "There is no such book in the shop." };
  }
  if (error instanceof Failure && error.kind === "invalid") return BAD_REQUEST;
  if (error instanceof ClientError && error.code === Status.INVALID_ARGUMENT) return BAD_REQUEST;
  if (error instanceof ClientError) {
    return { status: 503, heading: "One moment, please", sentence: "A part of the shop does not answer. Try again in a minute." };
  }
  if (error instanceof Error && "statusCode" in error && (error.statusCode ?? 500) < 500) {
    return error.statusCode === 404 ? NOT_FOUND : { ...BAD_REQUEST, status: error.statusCode ?? 400 };
  }
  return { status: 500, heading: "That went wrong", sentence: "The mistake is ours. It has been written down." };
}

const BAD_REQUEST = { status: 400, heading: "That did not work", sentence: "The address or the form is not as we expect it." };
const NOT_FOUND = { status: 404, heading: "Page not found", sentence: "There is nothing at this address." };
