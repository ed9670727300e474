import type { FastifyInstance } from "fastify";
import { currentCall, runInCall } from "../../../runtime/call-context.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import { clientAddressOf } from "./client-address.ts";
import type { SessionCookies } from "./session-cookies.ts";
import { setVisitor } from "./visitor.ts";

/** Finds out who asks for the pages of `app`: calls that are made for them carry the access token of the visitor. */
export function recogniseVisitors(app: FastifyInstance, deps: { browsers: BrowserSessions; cookies: SessionCookies }): void {
  const { browsers, cookies } = deps;
  app.addHook("onRequest", (request, reply, done) => {
    const recognise = async () => {
      const { visitor, renewed, over } = await browsers.recognise(cookies.read(request), clientAddressOf(request));
      setVisitor(request, visitor);
      if (renewed !== undefined) cookies.keep(reply, renewed);
      if (over) cookies.clear(reply);
      return visitor.kind === "signed in" ? visitor.accessToken : undefined;
    };
    recognise().then((userToken) => {
      const call = currentCall();
      if (call === undefined || userToken === undefined) return done();
      return runInCall({ ...call, userToken }, done);
    }, done);
  });
}
