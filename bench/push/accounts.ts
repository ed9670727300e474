import {
  RegisterServiceDefinition,
  type RegisterServiceImplementation,
} from "../../gen/bookstore/register/v1/register_service.ts";
import { SessionServiceDefinition, type SessionServiceImplementation } from "../../gen/bookstore/register/v1/session_service.ts";
import type { Security } from "../../runtime/security.ts";
import { startService } from "../../test/support/service.ts";
import type { TestUsers } from "../../test/support/users.ts";

/** A register that knows everybody, and the keys of `users`: what push asks it takes no time. */
export function startAccounts(credentials: Security, users: TestUsers) {
  return startService({
    ...{ credentials, users, client: () => undefined },
    add(server) {
      server.add(RegisterServiceDefinition, {
        ...uncalled<RegisterServiceImplementation>(RegisterServiceDefinition.methods),
        async checkRegistered({ key }) {
          const id = key?.$case === "userId" ? key.value : "";
          return {
            user: { id, email: `${id}@example.com`, name: "Reader", language: "en", country: "GB", createTime: undefined },
          };
        },
      });
      server.add(SessionServiceDefinition, {
        ...uncalled<SessionServiceImplementation>(SessionServiceDefinition.methods),
        async listSigningKeys() {
          return { keys: users.jwks.map((key) => ({ ...key })) };
        },
      });
    },
  });
}

/** Methods that push does not call. */
function uncalled<Implementation>(methods: object): Implementation {
  const refuse = () => Promise.reject(new Error("nobody calls this"));
  return Object.fromEntries(Object.keys(methods).map((name) => [name, refuse])) as Implementation;
}
