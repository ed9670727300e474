import type { FastifyReply } from "fastify";
import { layout, type PageParts } from "./pages/layout.ts";
import { visitorOf } from "./visitor.ts";

/** Answers with a page of the shop, for whoever looks at it. */
export function showPage(reply: FastifyReply, parts: PageParts): FastifyReply {
  const { request } = reply;
  const visitor = visitorOf(request);
  // On a shared computer the next reader must not find it by going back.
  const personal = visitor.kind !== "guest" || request.method === "POST";
  return reply
    .type("text/html; charset=utf-8")
    .header("cache-control", personal ? "no-store" : "private, no-cache")
    .send(layout(parts, { visitor, path: request.method === "POST" ? "/" : request.url }));
}
