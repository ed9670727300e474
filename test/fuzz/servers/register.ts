import { randomInt } from "node:crypto";
import { Registry } from "prom-client";
import { openRegister } from "../../../services/register/register.ts";
import { openRegisterStore } from "../../../services/register/store.ts";
import { USER_ID } from "../values.ts";
import type { AddServices } from "./making.ts";

export const addRegister: AddServices = async (server, { databaseUrl, logger, stack }) => {
  const store = await openRegisterStore(databaseUrl, logger);
  stack.defer(store.close);
  const profile = { email: "reader@example.com", name: "A reader", language: "en", country: "AT" };
  await store.add({ id: USER_ID, createdAt: new Date(), ...profile }, "hashed");
  const register = await openRegister({
    ...{ store, logger, metrics: new Registry(), signingKeyDays: 30, passwordsAtOnce: 2, passwordsWaiting: 100 },
    // What hashing costs is another matter.
    passwords: { hash: async () => "hashed", verify: async () => true, isOutdated: () => false },
    // Whom requests are about is to be there, and to come back when somebody has deleted it.
    randomInt: (min, max) => (randomInt(0, 2) === 0 ? Number(USER_ID) : randomInt(min, max)),
  });
  register.addTo(server);
};
