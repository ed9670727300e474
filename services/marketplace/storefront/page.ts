import type { FastifyReply } from "fastify";
import { frameOf } from "./frame.ts";
import { layout, type PageParts } from "./pages/layout.ts";
import { visitorOf } from "./visitor.ts";

/** Answers with a page of the shop, for whoever looks at it. */
export async function showPage(reply: FastifyReply, parts: PageParts): Promise<FastifyReply> {
  const { request } = reply;
  const frame = await frameOf(request);
  const visitor = visitorOf(request);
  // On a shared computer the next reader must not find it by going back.
  const personal = visitor.kind !== "guest" || request.method === "POST" || parts.personal === true;
  return reply
    .type("text/html; charset=utf-8")
    .header("cache-control", personal ? "no-store" : "private, no-cache")
    .send(layout(parts, { visitor, frame, path: request.method === "POST" ? "/" : request.url }));
}
