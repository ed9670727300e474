import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { bearerToken, type EndUser } from "../../../runtime/end-user.ts";
import { Failure } from "../../../runtime/errors.ts";
import { getUser, unknownUser } from "../user.ts";
import type { HttpDeps } from "./server.ts";

const ID = /^\d{1,15}$/;

/** GET /users/<id> */
export function userRoutes(app: FastifyInstance, { store, verifyUserToken }: Pick<HttpDeps, "store" | "verifyUserToken">): void {
  const signedIn = async (request: FastifyRequest, reply: FastifyReply): Promise<EndUser> => {
    const token = bearerToken(request.headers.authorization);
    try {
      if (token === undefined) {
        throw new Failure("unauthenticated", "this takes a signed-in user", { reason: "USER_TOKEN_MISSING" });
      }
      return await verifyUserToken(token);
    } catch (error) {
      if (error instanceof Failure && error.kind === "unauthenticated") reply.header("www-authenticate", "Bearer");
      throw error;
    }
  };

  app.get<{ Params: { id: string } }>("/users/:id", async (request, reply) => {
    const { id } = request.params;
    if (!ID.test(id)) return reply.callNotFound();
    const user = await signedIn(request, reply);
    // Of another user nobody learns more than of one who is not there.
    if (user.id !== id && !user.administrator) throw unknownUser();
    const { name, email } = await getUser(store, id);
    return { id: Number(id), name, email };
  });
}
