import type { Transaction } from "kysely";
import type { Subject } from "./comment.ts";
import type { Schema } from "./schema.ts";

/** A subject as the store has it: "article/100". */
export function subjectKey({ kind, id }: Subject): string {
  return `${kind}/${id}`;
}

export function subjectOf(key: string): Subject {
  const [kind, id = ""] = key.split("/", 2);
  return kind === "article" ? { kind, id: Number(id) } : { kind: "review", id };
}

/**
 * Takes the lock on everything that is said about a subject, of which nothing may have been said yet.
 *
 * First of all in a transaction: one that reads before it writes is refused by SQLite where another one has written meanwhile.
 */
export async function lockSubject(transaction: Transaction<Schema>, subject: string): Promise<void> {
  await transaction
    .insertInto("comment_subjects")
    .values({ subject, comment_count: 0 })
    .onConflict((conflict) => conflict.column("subject").doUpdateSet({ subject }))
    .execute();
}

/** Adds to how many comments there are on a subject. Takes the lock too, where anything was ever said about it. */
export async function countComments(transaction: Transaction<Schema>, subject: string, added: number): Promise<void> {
  await transaction
    .updateTable("comment_subjects")
    .set((update) => ({ comment_count: update("comment_count", "+", added) }))
    .where("subject", "=", subject)
    .execute();
}
