import type { FastifyInstance, FastifyRequest } from "fastify";
import { localPath, withNext } from "./local-path.ts";
import { showPage } from "./page.ts";
import { problemPage } from "./pages/problem.ts";
import { visitorOf } from "./visitor.ts";

/** When nobody can say who somebody is. */
export const ACCOUNTS_AWAY = problemPage(
  "Accounts are taking a break",
  "The shop is open all the same. Please try again in a minute.",
);

/** Keeps the pages of `app` for users. Guests are sent to the door, and come back. */
export function onlyForUsers(app: FastifyInstance): void {
  app.addHook("preHandler", async (request, reply) => {
    const { kind } = visitorOf(request);
    if (kind === "guest") return reply.redirect(withNext("/sign-in", pathBackTo(request)), 303);
    if (kind === "unknown") return showPage(reply.status(503), ACCOUNTS_AWAY);
  });
}

/** Nobody can go back to where a form is sent; the page that it stood on will do. */
export function pathBackTo({ method, url, headers }: FastifyRequest): string {
  if (method !== "POST") return localPath(url);
  const { referer = "" } = headers;
  if (!URL.canParse(referer)) return "/";
  const { pathname, search } = new URL(referer);
  return localPath(pathname + search);
}
