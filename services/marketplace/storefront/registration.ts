import type { FastifyInstance } from "fastify";
import { ClientError } from "nice-grpc-common";
import type { RegisterClient } from "../../../clients/register.ts";
import { clientAddressOf } from "./client-address.ts";
import { orShowProblems } from "./form-failures.ts";
import { bodyOf, queryOf } from "./form-schema.ts";
import { localPath } from "./local-path.ts";
import { showPage } from "./page.ts";
import { type RegisterForm, registerPage, welcomePage } from "./pages/register.ts";
import { beginSession, type SignInDeps } from "./sign-in.ts";
import { visitorOf } from "./visitor.ts";

export interface RegistrationDeps extends SignInDeps {
  register: Pick<RegisterClient, "register">;
}

export const EMAIL_TAKEN = { status: 409, problems: { fields: { email: "has an account already" } } };

const FAILURES = {
  fields: ["name", "email", "password", "language", "country"],
  reasons: { EMAIL_TAKEN },
  otherwise: "Accounts cannot be made just now.",
};

type Fields = RegisterForm & { password: string; next: string };

/** The form that makes an account. */
export function registrationRoutes(app: FastifyInstance, deps: RegistrationDeps): void {
  app.get<{ Querystring: { next: string } }>("/register", { schema: queryOf("next") }, async (request, reply) =>
    showPage(reply, registerPage(localPath(request.query.next))),
  );
  app.get("/welcome", async (request, reply) => showPage(reply, welcomePage(visitorOf(request).kind !== "guest")));

  app.post<{ Body: Fields }>("/register", { schema: bodyOf(...FAILURES.fields, "next") }, async (request, reply) => {
    const { next, ...profile } = request.body;
    const path = localPath(next);
    const signUp = async () => {
      await deps.register.register({ ...profile, clientAddress: clientAddressOf(request) });
      // There is an account now. If its session does not begin, the page that welcomes says how it will.
      const signedIn = await beginSession(deps, request, reply, profile).then(() => true, isRefused);
      // See other: going back or reloading does not send the form again.
      return reply.redirect(signedIn && path !== "/" ? path : "/welcome", 303);
    };
    return orShowProblems(reply, signUp, { ...FAILURES, show: (problems) => registerPage(path, profile, problems) });
  });
}

function isRefused(error: unknown): false {
  if (!(error instanceof ClientError)) throw error;
  return false;
}
