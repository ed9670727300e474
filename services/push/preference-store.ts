import { randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import { lockKnownUser, lockUser } from "../../runtime/user-locks.ts";
import type { PreferenceStore, Preferences } from "./preferences.ts";
import type { Schema } from "./schema.ts";

/** 32 bytes from the system's generator: nobody guesses one. */
const TOKEN_BYTES = 32;

export function preferenceStore(db: Kysely<Schema>): PreferenceStore {
  return {
    read: (userId) => readPreferences(db, userId),

    async replace(userId, { off, quietHours }) {
      const { from = null, to = null, timeZone = null } = quietHours ?? {};
      const quiet = { quiet_from: from, quiet_to: to, time_zone: timeZone };
      await db.transaction().execute(async (transaction) => {
        // Of two that are written at the same moment one replaces the other.
        await lockKnownUser(transaction, userId);
        await transaction
          .insertInto("preferences")
          .values({ user_id: userId, ...quiet })
          .onConflict((conflict) => conflict.column("user_id").doUpdateSet(quiet))
          .execute();
        await transaction.deleteFrom("opt_outs").where("user_id", "=", userId).execute();
        if (off.length === 0) return;
        const rows = off.map(({ kind, way }) => ({ user_id: userId, kind, way }));
        // Somebody may be unsubscribing, who takes no lock.
        await transaction
          .insertInto("opt_outs")
          .values(rows)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      });
    },

    async unsubscribe(token, kind) {
      const owner = await db.selectFrom("unsubscribe_tokens").select("user_id").where("token", "=", token).executeTakeFirst();
      if (owner === undefined) return false;
      const { user_id } = owner;
      return db.transaction().execute(async (transaction) => {
        if (!(await lockUser(transaction, user_id))) return false;
        await transaction
          .insertInto("preferences")
          .values({ user_id, quiet_from: null, quiet_to: null, time_zone: null })
          .onConflict((conflict) => conflict.column("user_id").doNothing())
          .execute();
        await transaction
          .insertInto("opt_outs")
          .values({ user_id, kind, way: "email" })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        return true;
      });
    },
  };
}

/** In one query: it is asked for with everything that is delivered. */
export async function readPreferences(db: Kysely<Schema>, userId: string): Promise<Preferences> {
  const rows = await db
    .selectFrom("preferences")
    .leftJoin("opt_outs", "opt_outs.user_id", "preferences.user_id")
    .select(["quiet_from", "quiet_to", "time_zone", "kind", "way"])
    .where("preferences.user_id", "=", userId)
    .execute();
  const { quiet_from: from, quiet_to: to, time_zone: timeZone } = rows[0] ?? {};
  return {
    off: rows.flatMap(({ kind, way }) => (kind === null || way === null ? [] : [{ kind, way }])),
    quietHours: from && to && timeZone ? { from, to, timeZone } : undefined,
  };
}

/** The token by which a user stops e-mails, made when it is first needed. @returns undefined if the user is deleted. */
export async function unsubscribeToken(db: Kysely<Schema>, userId: string): Promise<string | undefined> {
  const find = (executor: Kysely<Schema>) =>
    executor.selectFrom("unsubscribe_tokens").select("token").where("user_id", "=", userId).executeTakeFirst();
  const known = await find(db);
  if (known !== undefined) return known.token;
  const made = randomBytes(TOKEN_BYTES).toString("base64url");
  return db.transaction().execute(async (transaction) => {
    if (!(await lockUser(transaction, userId))) return undefined;
    await transaction
      .insertInto("unsubscribe_tokens")
      .values({ user_id: userId, token: made })
      .onConflict((conflict) => conflict.column("user_id").doNothing())
      .execute();
    return (await find(transaction))?.token;
  });
}
