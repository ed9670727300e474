import { randomInt } from "node:crypto";
import { Registry } from "prom-client";
import { openRegister } from "../../../services/register/register.ts";
import { openRegisterStore } from "../../../services/register/store.ts";
import type { AddServices } from "./making.ts";

export const addRegister: AddServices = async (server, { databaseUrl, logger, stack }) => {
  const store = await openRegisterStore(databaseUrl, logger);
  stack.defer(store.close);
  const register = await openRegister({
    ...{ store, logger, metrics: new Registry(), signingKeyDays: 30, passwordsAtOnce: 2, passwordsWaiting: 100 },
    // What hashing costs is another matter.
    passwords: { hash: async () => "hashed", verify: async () => true, isOutdated: () => false },
    // Few ids, so that requests are about users who are there.
    randomInt: (min) => min + randomInt(0, 8),
  });
  register.addTo(server);
};
