import type { FastifyInstance, FastifyRequest } from "fastify";
import type { RegisterClient, SessionClient } from "../../../clients/register.ts";
import type { User } from "../../../gen/bookstore/register/v1/register_service.ts";
import { sessionOf } from "./browser-sessions.ts";
import { clientAddressOf } from "./client-address.ts";
import { orShowProblems } from "./form-failures.ts";
import { bodyOf, queryOf } from "./form-schema.ts";
import { withNext } from "./local-path.ts";
import { showPage } from "./page.ts";
import { accountPage, deletionPage, doneThings } from "./pages/account.ts";
import type { Problems } from "./pages/form.ts";
import { problemPage } from "./pages/problem.ts";
import { EMAIL_TAKEN } from "./registration.ts";
import type { SessionCookies } from "./session-cookies.ts";
import { endSession } from "./sign-in.ts";
import { visitorOf } from "./visitor.ts";

export interface AccountDeps {
  register: Pick<RegisterClient, "updateUser" | "deleteUser">;
  sessions: Pick<SessionClient, "signIn" | "signOut" | "changePassword">;
  cookies: SessionCookies;
}

const AWAY = problemPage("Accounts are taking a break", "The shop is open all the same. Please try again in a minute.");
const OTHERWISE = "Accounts cannot be changed just now.";
const WRONG = "is not the one that you sign in with";

const PROFILE = { fields: ["name", "email", "language", "country"], reasons: { EMAIL_TAKEN }, otherwise: OTHERWISE };
const PASSWORD = {
  fields: ["currentPassword", "newPassword"],
  reasons: { WRONG_PASSWORD: { status: 403, problems: { fields: { currentPassword: WRONG } } } },
  otherwise: OTHERWISE,
};
const DELETION = {
  fields: ["password"],
  reasons: { INVALID_CREDENTIALS: { status: 403, problems: { fields: { password: WRONG } } } },
  otherwise: OTHERWISE,
};

/** What users do with their own account. Guests are sent to the door first. */
export function accountRoutes(app: FastifyInstance, { register, sessions, cookies }: AccountDeps): void {
  app.addHook("preHandler", async (request, reply) => {
    const visitor = visitorOf(request);
    if (visitor.kind === "guest") return reply.redirect(withNext("/sign-in", "/account"), 303);
    if (visitor.kind === "unknown" || visitor.user === undefined) return showPage(reply.status(503), AWAY);
  });

  app.get<{ Querystring: { done: string } }>("/account", { schema: queryOf("done") }, async (request, reply) => {
    const done = doneThings.find((thing) => thing === request.query.done);
    return showPage(reply, accountPage({ user: userOf(request), done }));
  });

  app.post<{ Body: Pick<User, "name" | "email" | "language" | "country"> }>(
    "/account",
    { schema: bodyOf(...PROFILE.fields) },
    async (request, reply) => {
      const user = userOf(request);
      const change = async () => {
        await register.updateUser({ userId: user.id, ...request.body });
        return reply.redirect("/account?done=profile", 303);
      };
      const show = (problems: Problems) => accountPage({ user, typed: request.body, problems });
      return orShowProblems(reply, change, { ...PROFILE, show });
    },
  );

  app.post<{ Body: { currentPassword: string; newPassword: string } }>(
    "/account/password",
    { schema: bodyOf(...PASSWORD.fields) },
    async (request, reply) => {
      const user = userOf(request);
      const change = async () => {
        cookies.keep(reply, sessionOf(await sessions.changePassword({ userId: user.id, ...request.body })));
        return reply.redirect("/account?done=password", 303);
      };
      return orShowProblems(reply, change, { ...PASSWORD, show: (problems) => accountPage({ user, problems }) });
    },
  );

  app.get("/account/delete", async (request, reply) => showPage(reply, deletionPage({ user: userOf(request) })));

  app.post<{ Body: { password: string } }>("/account/delete", { schema: bodyOf("password") }, async (request, reply) => {
    const user = userOf(request);
    const remove = async () => {
      // Only the password says that it is not somebody else at the same computer. The session it begins is not needed.
      const { email } = user;
      const { refreshToken } = sessionOf(
        await sessions.signIn({ email, password: request.body.password, clientAddress: clientAddressOf(request) }),
      );
      await endSession({ sessions }, refreshToken);
      await register.deleteUser({ userId: user.id });
      cookies.clear(reply);
      return reply.redirect("/goodbye", 303);
    };
    return orShowProblems(reply, remove, { ...DELETION, show: (problems) => deletionPage({ user, problems }) });
  });
}

/** The user of a page that only users get to see. */
function userOf(request: FastifyRequest): User {
  const visitor = visitorOf(request);
  if (visitor.kind !== "signed in" || visitor.user === undefined) throw new Error("nobody is signed in");
  return visitor.user;
}
