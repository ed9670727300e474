import type { FastifyInstance } from "fastify";
import { Status } from "nice-grpc-common";
import { CallFailure } from "../../../clients/call-failure.ts";
import type { RegisterClient } from "../../../clients/register.ts";
import { type RegisterForm, type RegisterProblems, registerPage, welcomePage } from "./pages/register.ts";

type Fields = RegisterForm & { password: string };

const field = { type: "string", maxLength: 1_000, default: "" };
const body = {
  type: "object",
  properties: { name: field, email: field, password: field, language: field, country: field },
  // Fastify drops what is not listed: a form must not set other fields of the call.
  additionalProperties: false,
};

/** The form that makes an account. */
export function registrationRoutes(app: FastifyInstance, { register }: { register: Pick<RegisterClient, "register"> }): void {
  app.get("/register", async () => registerPage());
  app.get("/welcome", async () => welcomePage());

  app.post<{ Body: Fields }>("/register", { schema: { body } }, async (request, reply) => {
    const form = request.body;
    try {
      await register.register(form);
      // See other: going back or reloading does not send the form again.
      return reply.redirect("/welcome", 303);
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      const { status, problems } = explain(error);
      return reply.status(status).send(registerPage(form, problems));
    }
  });
}

function explain(failure: CallFailure): { status: number; problems: RegisterProblems } {
  if (failure.code === Status.INVALID_ARGUMENT) {
    const fields = Object.fromEntries(failure.violations.map(({ field, description }) => [field, description]));
    return { status: 422, problems: { fields } };
  }
  if (failure.code === Status.ALREADY_EXISTS) {
    return { status: 409, problems: { fields: { email: "has an account already" } } };
  }
  return { status: 503, problems: { message: "Accounts cannot be made just now. Please try again in a minute.", fields: {} } };
}
