import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ClientError } from "nice-grpc-common";
import type { SessionClient } from "../../../clients/register.ts";
import { sessionOf } from "./browser-sessions.ts";
import { clientAddressOf } from "./client-address.ts";
import { orShowProblems } from "./form-failures.ts";
import { bodyOf, queryOf } from "./form-schema.ts";
import { localPath } from "./local-path.ts";
import { showPage } from "./page.ts";
import { problemPage } from "./pages/problem.ts";
import { signInPage } from "./pages/sign-in.ts";
import { isRefreshToken, type SessionCookies } from "./session-cookies.ts";
import { GUEST, setVisitor, visitorOf } from "./visitor.ts";

export interface SignInDeps {
  sessions: Pick<SessionClient, "signIn" | "signOut">;
  cookies: SessionCookies;
}

const FAILURES = {
  fields: ["email", "password"],
  // One sentence for all: it must not say which addresses have an account.
  reasons: {
    INVALID_CREDENTIALS: {
      status: 403,
      problems: { message: "The e-mail address and the password do not belong together.", fields: {} },
    },
  },
  otherwise: "Nobody can sign in just now. The shop is open all the same.",
};

const HALF_OUT = problemPage(
  "Signed out of this browser",
  "This browser has forgotten you. The session itself could not be ended just now: it ends when it expires.",
);

/** The door: in and out. */
export function signInRoutes(app: FastifyInstance, deps: SignInDeps): void {
  app.get<{ Querystring: { next: string } }>("/sign-in", { schema: queryOf("next") }, async (request, reply) => {
    const next = localPath(request.query.next);
    if (visitorOf(request).kind === "signed in") return reply.redirect(next, 303);
    return showPage(reply, signInPage({ next }));
  });

  app.post<{ Body: { email: string; password: string; next: string } }>(
    "/sign-in",
    { schema: bodyOf("email", "password", "next") },
    async (request, reply) => {
      const { email, password } = request.body;
      const next = localPath(request.body.next);
      const signIn = async () => {
        await beginSession(deps, request, reply, { email, password });
        // See other: going back or reloading does not send the form again.
        return reply.redirect(next, 303);
      };
      return orShowProblems(reply, signIn, { ...FAILURES, show: (problems) => signInPage({ next, email, problems }) });
    },
  );

  app.post("/sign-out", async (request, reply) => {
    const { refresh } = deps.cookies.read(request);
    deps.cookies.clear(reply);
    setVisitor(request, GUEST);
    if (await endSession(deps, refresh)) return reply.redirect("/", 303);
    return showPage(reply.status(503), HALF_OUT);
  });
}

/**
 * Signs somebody in, and has the browser keep the session. One that it had before ends.
 *
 * @throws ClientError if register does not let them in.
 */
export async function beginSession(
  { sessions, cookies }: SignInDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  credentials: { email: string; password: string },
): Promise<void> {
  const session = sessionOf(await sessions.signIn({ ...credentials, clientAddress: clientAddressOf(request) }));
  await endSession({ sessions }, cookies.read(request).refresh);
  cookies.keep(reply, session);
}

/** @returns whether the session has ended, if there was one. */
export async function endSession({ sessions }: Pick<SignInDeps, "sessions">, refreshToken: string | undefined): Promise<boolean> {
  if (!isRefreshToken(refreshToken)) return true;
  try {
    await sessions.signOut({ refreshToken });
    return true;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return false;
  }
}
