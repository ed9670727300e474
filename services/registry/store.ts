import type { Transaction } from "kysely";
import { type Database, openDatabase } from "../../runtime/database.ts";
import type { Logger } from "../../runtime/logger.ts";
import { traffic } from "./migrations/0001-traffic.ts";
import { NO_RULES, type RuleBook, type RuleEdit, type Rules, type StoredRules, type TrafficStore } from "./traffic.ts";

interface RuleRow {
  service: string;
  kind: RuleEdit["kind"];
  instance_id: string;
  value: string;
}

interface Schema {
  traffic_revision: { number: number };
  traffic_rules: RuleRow;
}

export type RegistryStore = TrafficStore & Pick<Database<Schema>, "close">;

/** Opens the traffic rules at `url` and brings their schema up to date. */
export async function openRegistryStore(url: string, logger: Logger): Promise<RegistryStore> {
  const { db, close } = await openDatabase<Schema>({ url, logger, migrations: { "0001-traffic": traffic } });

  const revision = async () => {
    const row = await db.selectFrom("traffic_revision").select("number").executeTakeFirstOrThrow();
    return row.number;
  };
  return {
    close,
    revision,

    async load() {
      // In this order: a change in between is loaded too soon, and once more when its revision is seen.
      const number = await revision();
      return { revision: number, rules: bookOf(await db.selectFrom("traffic_rules").selectAll().execute()) };
    },

    change(decide) {
      return db.transaction().execute(async (transaction) => {
        // Takes the lock: until the end nobody else changes rules.
        const { number } = await transaction
          .updateTable("traffic_revision")
          .set((update) => ({ number: update("number", "+", 1) }))
          .returning("number")
          .executeTakeFirstOrThrow();
        const rules = async () => bookOf(await transaction.selectFrom("traffic_rules").selectAll().execute());
        const before = await rules();
        for (const edit of decide(before)) await apply(transaction, edit);
        const after: StoredRules = { revision: number, rules: await rules() };
        return { before, after };
      });
    },
  };
}

async function apply(transaction: Transaction<Schema>, edit: RuleEdit): Promise<void> {
  const row = rowOf(edit);
  if (row.value !== undefined) {
    await transaction
      .insertInto("traffic_rules")
      .values({ ...row, value: row.value })
      .onConflict((conflict) =>
        conflict.columns(["service", "kind", "instance_id"]).doUpdateSet((update) => ({ value: update.ref("excluded.value") })),
      )
      .execute();
    return;
  }
  await transaction
    .deleteFrom("traffic_rules")
    .where("service", "=", row.service)
    .where("kind", "=", row.kind)
    .where("instance_id", "=", row.instance_id)
    .execute();
}

/** The row of a rule; without a value if it is undone. */
function rowOf(edit: RuleEdit): Omit<RuleRow, "value"> & { value: string | undefined } {
  const { service, kind } = edit;
  if (kind === "ejection") return { service, kind, instance_id: edit.instanceId, value: edit.ejected ? "{}" : undefined };
  return { service, kind, instance_id: "", value: edit.value && JSON.stringify(edit.value) };
}

function bookOf(rows: readonly RuleRow[]): RuleBook {
  const book = new Map<string, Rules>();
  for (const row of rows) book.set(row.service, withRow(book.get(row.service) ?? NO_RULES, row));
  return book;
}

function withRow(rules: Rules, { kind, instance_id: instanceId, value }: RuleRow): Rules {
  if (kind === "ejection") return { ...rules, ejected: new Set([...rules.ejected, instanceId]) };
  return { ...rules, [kind]: JSON.parse(value) };
}
