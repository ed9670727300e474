import { randomInt } from "node:crypto";
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { FieldPolicy } from "../../gen/mesh/policy/v1/policy.ts";
import { contracts } from "../../runtime/contracts.ts";
import { fieldPolicyOf } from "../../runtime/field-rules.ts";

/** A text that is nowhere else: where it is found, there the field that it was planted in has got to. */
export interface Canary {
  readonly text: string;
  /** Where it was planted: the full name of a field, or in words. */
  readonly field: string;
  readonly sensitive: boolean;
}

/** How canaries look: eight characters, which are a name, a subtag of a language, and part of an address or a path alike. */
const CANARY = /qx[0-9a-z]{6}|2001:db8:[1-9a-f][0-9a-f]{3}:[1-9a-f][0-9a-f]{3}/gi;
/** What may be Base64 or a part of a JWT, and long enough to hold one. */
const ENCODED = /[\w+/-]{12,}/g;

/** Plants canaries, and finds out where they have got to. */
export class Canaries {
  readonly #planted = new Map<string, Canary>();
  readonly #secrets: Canary[] = [];

  /** A new one, of eight lower-case letters and digits. */
  plant(field: string, sensitive: boolean): string {
    return this.#add(`qx${randomInt(36 ** 5, 36 ** 6).toString(36)}`, field, sensitive);
  }

  /** One that is an IPv6 address. */
  plantAddress(field: string): string {
    const group = () => randomInt(0x1000, 0x10000).toString(16);
    return `${this.#add(`2001:db8:${group()}:${group()}`, field, true)}::1`;
  }

  /** A secret that the shop itself has made. */
  plantSecret(text: string, field: string): void {
    this.#secrets.push({ text, field, sensitive: true });
  }

  get count(): number {
    return this.#planted.size + this.#secrets.length;
  }

  /** Those that a text holds, be it as they are or in Base64, in upper or lower case. */
  in(text: string): Canary[] {
    const decoded = (text.match(ENCODED) ?? []).map((part) => Buffer.from(part, "base64url").toString("latin1"));
    const seen = [text, ...decoded].flatMap((part) => part.match(CANARY) ?? []).map((part) => part.toLowerCase());
    const secrets = this.#secrets.filter((secret) => text.includes(secret.text));
    return [...[...new Set(seen)].flatMap((part) => this.#planted.get(part) ?? []), ...secrets];
  }

  #add(text: string, field: string, sensitive: boolean): string {
    this.#planted.set(text, { text, field, sensitive });
    return text;
  }
}

/** A request, as `create` of @bufbuild/protobuf takes it, and what is the matter with it. */
export interface PlantedRequest {
  readonly matter: string;
  readonly fields: Record<string, unknown>;
}

/** What a field is to hold instead of a canary, by its full name; undefined for a canary. */
export type Fixed = (field: string) => unknown;

interface Planting {
  readonly canaries: Canaries;
  readonly fixed: Fixed;
  /** The full name of the one field that is to break its rules, and how. */
  readonly broken: { readonly field: string; readonly how: Breaking } | undefined;
  /** The fields that hold canaries. */
  readonly planted: Set<string>;
  /** Which member each oneof has. */
  readonly choice: number;
}

const BREAKINGS = ["too long", "with a NUL"] as const;
type Breaking = (typeof BREAKINGS)[number];

/**
 * Requests with a canary in every string and all bytes: one that keeps the rules for
 * each choice of a oneof, and for each field two that do not keep the rules of that field.
 */
export function plantedRequests(message: DescMessage, canaries: Canaries, fixed: Fixed = () => undefined): PlantedRequest[] {
  const choices = Math.max(1, ...message.oneofs.map(({ fields }) => fields.length));
  return Array.from({ length: choices }, (_, choice) => choice).flatMap((choice) => {
    const planted = new Set<string>();
    const base = { canaries, fixed, choice };
    const kept = { matter: "nothing", fields: plantIn(message, { ...base, planted, broken: undefined }) };
    const broken = [...planted].flatMap((field) =>
      BREAKINGS.map((how) => ({
        matter: `${field} ${how}`,
        fields: plantIn(message, { ...base, planted: new Set(), broken: { field, how } }),
      })),
    );
    return [kept, ...broken];
  });
}

function plantIn(message: DescMessage, planting: Planting): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const member of message.members) {
    if (member.kind === "field") {
      values[member.localName] = plantedIn(member, planting);
    } else {
      const field = member.fields[planting.choice % member.fields.length] as DescField;
      values[member.localName] = { case: field.localName, value: plantedIn(field, planting) };
    }
  }
  return values;
}

function plantedIn(field: DescField, planting: Planting): unknown {
  const name = `${field.parent.typeName}.${field.name}`;
  const fixed = planting.fixed(name);
  if (fixed !== undefined) return fixed;
  const policy = fieldPolicyOf(contracts, field);
  switch (field.fieldKind) {
    case "message":
      return messageOf(field.message, planting);
    case "list": {
      if (field.listKind === "message") return [messageOf(field.message, planting)];
      return [field.listKind === "enum" ? 1 : scalarOf(field.scalar, name, policy, policy.repeated?.items, planting)];
    }
    case "map": {
      const key = String(scalarOf(field.mapKey, `${name} (a key)`, policy, policy.map?.keys, planting));
      return { [key]: field.mapKind === "scalar" ? scalarOf(field.scalar, name, policy, policy.map?.values, planting) : {} };
    }
    case "enum":
      return 1;
    case "scalar":
      return scalarOf(field.scalar, name, policy, policy, planting);
  }
}

function messageOf(message: DescMessage, planting: Planting): Record<string, unknown> {
  return message.typeName.startsWith("google.protobuf.") ? { seconds: 1n } : plantIn(message, planting);
}

/** @param field whose policy says whether it is sensitive. @param rules of this very value. */
function scalarOf(
  scalar: ScalarType,
  name: string,
  field: FieldPolicy,
  rules: FieldPolicy | undefined,
  planting: Planting,
): unknown {
  switch (scalar) {
    case ScalarType.STRING:
      return textOf(name, field.sensitive, rules, planting);
    case ScalarType.BYTES:
      return Buffer.from(textOf(name, field.sensitive, rules, planting));
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return rules?.integer?.gte ?? 1n;
    default:
      return Number(rules?.integer?.gte ?? 1n) || 1;
  }
}

function textOf(name: string, sensitive: boolean, rules: FieldPolicy | undefined, planting: Planting): string {
  const { canaries, broken, planted } = planting;
  planted.add(name);
  const { minLen = 0n, maxLen, pattern = "", email = false } = rules?.string ?? {};
  const isAddress = name.endsWith(".client_address");
  const canary = isAddress ? canaries.plantAddress(name) : canaries.plant(name, sensitive);
  if (broken?.field === name) {
    return broken.how === "with a NUL" ? `${canary}\0` : canary.padEnd(Number(maxLen ?? 8_192n) + 1, "x");
  }
  const fits = new RegExp(pattern, "u");
  const shapes = email ? [`${canary}@${canary}.example`] : [canary, `/${canary}`, `en-${canary}`];
  return (shapes.find((text) => fits.test(text)) ?? canary).padEnd(Number(minLen), "x");
}
