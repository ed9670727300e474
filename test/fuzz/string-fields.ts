import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { FuzzMethod } from "./methods.ts";
import type { Source } from "./wire.ts";

/** One string field, wherever in the request of a method. */
export function stringFieldName({ contract }: FuzzMethod, { field, part }: Source): string {
  return `${contract.path} ${field.parent.typeName}.${field.name}${part === "key" ? " (key)" : ""}`;
}

/** Every string field of a method, from its contract: what an attack on all of them has to reach. */
export function stringFieldsOf(method: FuzzMethod): Set<string> {
  const names = new Set<string>();
  const seen = new Set<DescMessage>();
  const visit = (message: DescMessage) => {
    if (seen.has(message)) return;
    seen.add(message);
    for (const field of message.fields) {
      const source = { field, policy: undefined as never };
      if (field.fieldKind === "map" && field.mapKey === ScalarType.STRING)
        names.add(stringFieldName(method, { ...source, part: "key" }));
      if (field.scalar === ScalarType.STRING) names.add(stringFieldName(method, { ...source, part: "value" }));
      if (field.message !== undefined) visit(field.message);
    }
  };
  visit(method.input);
  return names;
}
