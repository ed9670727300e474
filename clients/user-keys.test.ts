import { Status } from "nice-grpc";
import { SessionServiceDefinition, type SessionServiceImplementation } from "../gen/bookstore/register/v1/session_service.ts";
import { runInCall } from "../runtime/call-context.ts";
import { startTrace } from "../runtime/trace-context.ts";
import { userTokenVerifier } from "../runtime/user-tokens.ts";
import { startService } from "../test/support/service.ts";
import { testUsers } from "../test/support/users.ts";
import { sessionClient } from "./register.ts";
import { userKeys } from "./user-keys.ts";

const users = testUsers();

/** A register that publishes the keys of `users`, and servers that know no other. */
async function startKeys() {
  let asked = 0;
  let away = false;
  const uncalled = () => Promise.reject(new Error("nobody calls this"));
  const handler: SessionServiceImplementation = {
    ...{ signIn: uncalled, refreshSession: uncalled, signOut: uncalled, changePassword: uncalled, setAdministrator: uncalled },
    async listSigningKeys() {
      asked++;
      if (away) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      return { keys: users.jwks.map((jwk) => ({ ...jwk })) };
    },
  };
  const service = await startService({
    add: (server) => server.add(SessionServiceDefinition, handler),
    client: sessionClient,
    verifyUserToken: users.verify,
  });
  let nowMs = 0;
  return {
    ...service,
    keys: userKeys(service.client, { logger: service.logger, now: () => nowMs }),
    asked: () => asked,
    goAway() {
      away = true;
    },
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

test("verifies tokens with the keys that register publishes, and asks for them once", async () => {
  await using register = await startKeys();
  const verify = userTokenVerifier({ keys: register.keys });

  for (const id of ["1", "2", "3"]) expect(await verify(users.tokenOf(id))).toEqual({ id, administrator: false });
  expect(register.asked()).toBe(1);
});

test("goes on with the keys that it has when register is gone", async () => {
  await using register = await startKeys();
  const verify = userTokenVerifier({ keys: register.keys });
  await verify(users.tokenOf("1"));

  register.goAway();
  register.pass(24 * 3_600_000);

  await expect(verify(users.tokenOf("2"))).resolves.toMatchObject({ id: "2" });
});

test("says that it cannot tell when there never was a register", async () => {
  await using register = await startKeys();
  register.goAway();
  const verify = userTokenVerifier({ keys: register.keys });

  await expect(verify(users.tokenOf("1"))).rejects.toMatchObject({ kind: "unavailable", reason: "USER_KEYS_UNAVAILABLE" });
});

test("does not ask in the time of the call that happens to need the keys", async () => {
  await using register = await startKeys();
  const call = { path: "/test", trace: startTrace(), deadline: Date.now() - 1 };
  const late = runInCall(call, () => register.client.listSigningKeys({}));
  await expect(late).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });

  await runInCall(call, () => register.keys.refresh());

  expect(register.keys.get(String(users.jwks[0]?.kid))).toBeDefined();
});
