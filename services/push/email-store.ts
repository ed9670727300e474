import type { Kysely } from "kysely";
import { lockUser } from "../../runtime/user-locks.ts";
import type { Kind } from "./kind.ts";
import { unsubscribeToken } from "./preference-store.ts";
import type { Schema } from "./schema.ts";

/** An e-mail that is to be sent. */
export interface Email {
  /** Stays the same however often it is tried. */
  id: string;
  userId: string;
  kind: Kind;
  /** "" for a message. */
  title: string;
  content: string;
  /** "" if nobody said. */
  language: string;
  createdAt: Date;
  /** How often it was tried before. */
  attempts: number;
}

/** The e-mails that are still to be sent, which outlive the process. */
export interface EmailStore {
  /** Takes e-mails that are due, oldest first, for as long as the claim is good: nobody else gets them until then. */
  claim(options: { now: Date; until: Date; limit: number }): Promise<Email[]>;
  /**
   * Has an e-mail sent as one of the first `limit` of its kind that its user
   * gets within an hour: a turn, which postponing it gives back.
   *
   * @returns false if there were as many already.
   */
  takeTurn(email: Pick<Email, "id" | "userId" | "kind">, options: { now: Date; limit: number }): Promise<boolean>;
  /** Gives an e-mail back, to be tried at a time. */
  postpone(email: Email, options: { until: Date; attempts: number }): Promise<void>;
  /** Forgets an e-mail: it was sent, or never will be. */
  remove(email: Email): Promise<void>;
  count(): Promise<number>;
  /** Undefined if the user is deleted. */
  unsubscribeToken(userId: string): Promise<string | undefined>;
}

const HOUR_MS = 3_600_000;

export function emailStore(db: Kysely<Schema>): EmailStore {
  return {
    async claim({ now, until, limit }) {
      const nowMs = now.getTime();
      const rows = await db
        .updateTable("emails")
        .set({ claimed_until_ms: until.getTime() })
        .where("id", "in", (query) =>
          query
            .selectFrom("emails")
            .select("id")
            .where("due_at_ms", "<=", nowMs)
            .where("claimed_until_ms", "<=", nowMs)
            .orderBy("due_at_ms")
            .limit(limit),
        )
        // Once more: another replica may have claimed them while this query waited for its lock.
        .where("claimed_until_ms", "<=", nowMs)
        .returningAll()
        .execute();
      return rows.map(({ id, user_id, kind, title, content, language, created_at_ms, attempts }) => ({
        ...{ id, userId: user_id, kind, title, content, language, attempts },
        createdAt: new Date(created_at_ms),
      }));
    },

    takeTurn({ id, userId, kind }, { now, limit }) {
      return db.transaction().execute(async (transaction) => {
        // Of two replicas one counts after the other. Whether there still is such a user is not for this to say.
        if (!(await lockUser(transaction, userId))) return true;
        const ofKind = { user_id: userId, kind };
        await transaction
          .deleteFrom("email_turns")
          .where((where) => where.and(ofKind))
          .where("taken_at_ms", "<=", now.getTime() - HOUR_MS)
          .execute();
        const { others } = await transaction
          .selectFrom("email_turns")
          .select(({ fn }) => fn.countAll<number>().as("others"))
          .where((where) => where.and(ofKind))
          .where("email_id", "!=", id)
          .executeTakeFirstOrThrow();
        if (others >= limit) return false;
        await transaction
          .insertInto("email_turns")
          .values({ email_id: id, ...ofKind, taken_at_ms: now.getTime() })
          .onConflict((conflict) => conflict.column("email_id").doUpdateSet({ taken_at_ms: now.getTime() }))
          .execute();
        return true;
      });
    },

    async postpone({ id }, { until, attempts }) {
      await db.deleteFrom("email_turns").where("email_id", "=", id).execute();
      await db
        .updateTable("emails")
        .set({ due_at_ms: until.getTime(), attempts, claimed_until_ms: 0 })
        .where("id", "=", id)
        .execute();
    },

    async remove({ id }) {
      await db.deleteFrom("emails").where("id", "=", id).execute();
    },

    async count() {
      const { waiting } = await db
        .selectFrom("emails")
        .select(({ fn }) => fn.countAll<number>().as("waiting"))
        .executeTakeFirstOrThrow();
      return waiting;
    },

    unsubscribeToken: (userId) => unsubscribeToken(db, userId),
  };
}
