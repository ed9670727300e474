// A process that registers an address when it is told to: tests let several of
// them race for it. Started with the store and the address as arguments.
import { randomInt } from "node:crypto";
import { Failure } from "../../runtime/errors.ts";
import { createLogger } from "../../runtime/logger.ts";
import { openRegisterStore } from "./store.ts";
import { registerUser } from "./user.ts";

/** What a racer says: that it is at the start, then how it ended. */
export type RacerMessage = "ready" | { outcome: "registered" | "already registered." };

const [url = "", email = ""] = process.argv.slice(2);
const store = await openRegisterStore(url, createLogger({ name: "racer", level: "silent" }));
const deps = { store, randomInt, now: () => new Date(), hashPassword: async () => "" };

process.once("message", async () => {
  const profile = { email, name: "Racer", language: "en", country: "" };
  const outcome = await registerUser(deps, profile).then(
    () => "registered",
    (error: unknown) => (error instanceof Failure ? error.message : String(error)),
  );
  await store.close();
  process.send?.({ outcome }, () => process.disconnect());
});
process.send?.("ready");
