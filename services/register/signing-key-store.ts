import type { Kysely } from "kysely";
import { isUniqueViolation } from "../../runtime/database.ts";
import type { Schema } from "./schema.ts";
import type { SigningKeyStore } from "./signing-keys.ts";

/** The keys, where all replicas find them. */
export function signingKeyStore(db: Kysely<Schema>): SigningKeyStore {
  return {
    async list() {
      const rows = await db.selectFrom("signing_keys").selectAll().orderBy("generation").execute();
      return rows.map(({ generation, id, public_key, private_key, signs_from_ms }) => ({
        ...{ generation, id },
        publicKey: public_key,
        privateKey: private_key,
        signsFromMs: signs_from_ms,
      }));
    },

    async add({ generation, id, publicKey, privateKey, signsFromMs }) {
      const row = { generation, id, public_key: publicKey, private_key: privateKey, signs_from_ms: signsFromMs };
      try {
        await db.insertInto("signing_keys").values(row).execute();
        return true;
      } catch (error) {
        if (isUniqueViolation(error, "generation")) return false;
        throw error;
      }
    },

    async delete(ids) {
      await db.deleteFrom("signing_keys").where("id", "in", ids).execute();
    },
  };
}
