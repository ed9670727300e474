import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { SignInRequest } from "../../../gen/bookstore/register/v1/session_service.ts";
import { contracts } from "../../../runtime/contracts.ts";
import { Failure, type FieldViolation } from "../../../runtime/errors.ts";
import { compileRules } from "../../../runtime/field-rules.ts";
import { USER_KEYS_MS } from "../../../runtime/user-keys.ts";
import { type Credentials, signOut } from "../session.ts";
import type { HttpDeps } from "./server.ts";

/** As long as SignIn has by its contract when the caller says nothing. */
const DEADLINE_MS = 5_000;

const violationsOf = compileRules(contracts, signInDescription());

function signInDescription() {
  const description = contracts.getMessage("bookstore.register.v1.SignInRequest");
  if (description === undefined) throw new Error("no contract for bookstore.register.v1.SignInRequest");
  return description;
}

/** POST /auth, POST /login, POST /verify and GET /.well-known/jwks.json */
export function signInRoutes(app: FastifyInstance, deps: Pick<HttpDeps, "signIn" | "store" | "verifyUserToken" | "keys">): void {
  const { keys, store } = deps;
  const tokenFor = async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const credentials = parseCredentials(request.body, request.ip);
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(new Failure("deadline-exceeded", "took too long")), DEADLINE_MS);
    reply.raw.once("close", () => leaving.abort(new Failure("unavailable", "the client is gone")));
    try {
      const { accessToken, refreshToken } = await deps.signIn(credentials, leaving.signal);
      // Nobody is given the refresh token: the session would only take the place of one that somebody goes on with.
      await signOut({ store: store.sessions }, refreshToken.token);
      return accessToken.token;
    } finally {
      clearTimeout(timer);
    }
  };

  app.post("/auth", async (request, reply) => ({ token: await tokenFor(request, reply) }));

  app.post("/login", async (request, reply) => ({ access_token: await tokenFor(request, reply) }));

  app.post("/verify", async ({ body }) => {
    const { token } = stringsOf(body, ["token"]);
    await deps.verifyUserToken(token);
    return { valid: true };
  });

  app.get("/.well-known/jwks.json", async (_request, reply) => {
    reply.header("cache-control", `public, max-age=${USER_KEYS_MS / 1_000}`).type("application/jwk-set+json");
    return JSON.stringify({ keys: keys.jwks() });
  });
}

/** The user may be called "email" as well as "username". @throws Failure that names each field that is missing or wrong. */
function parseCredentials(body: unknown, clientAddress: string): Credentials {
  const name = typeof body === "object" && body !== null && Object.hasOwn(body, "email") ? "email" : "username";
  const { [name]: email, password } = stringsOf(body, [name, "password"]);
  const credentials = SignInRequest.fromPartial({ email, password, clientAddress });
  const violations = violationsOf(credentials).map(({ field, description }) => ({
    field: field === "email" ? name : field,
    description,
  }));
  if (violations.length > 0) throw failureOf(violations);
  return credentials;
}

function stringsOf<Name extends string>(body: unknown, names: readonly Name[]): Record<Name, string> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Failure("invalid", `The body must be a JSON object with ${names.join(" and ")}`);
  }
  const fields = body as Record<string, unknown>;
  const wrong = names.filter((name) => !Object.hasOwn(fields, name) || typeof fields[name] !== "string" || fields[name] === "");
  if (wrong.length > 0) throw failureOf(wrong.map((field) => ({ field, description: "must be a string that is not empty" })));
  return Object.fromEntries(names.map((name) => [name, fields[name]])) as Record<Name, string>;
}

function failureOf(violations: readonly FieldViolation[]): Failure {
  return new Failure("invalid", violations.map(({ field, description }) => `${field} ${description}`).join("; "), { violations });
}
