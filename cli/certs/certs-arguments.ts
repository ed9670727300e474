import { InvalidArgumentError } from "commander";
import { IDENTITY_NAME } from "../../runtime/spiffe.ts";

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The shortest that a certificate may be good for, and the longest: an old root is trusted as long as that. */
const VALIDITY = { leastMs: UNITS.m, mostMs: 90 * UNITS.d, expected: "Expected 90m, 24h or 7d: from 1m to 90d." };
const SETTLE = { leastMs: 0, mostMs: UNITS.d, expected: "Expected 30s or 5m: from 0s to 24h." };

/** The name of a service or a person. */
export function parseName(text: string): string {
  if (!IDENTITY_NAME.test(text)) {
    throw new InvalidArgumentError("Expected lower case letters, digits and dashes, a letter first, 63 at the most.");
  }
  return text;
}

/** For an argument that may be repeated. */
export function parseNames(text: string, earlier: readonly string[] = []): string[] {
  return [...earlier, parseName(text)];
}

/** "24h". @returns milliseconds. */
export function parseValidity(text: string): number {
  return parseTime(text, VALIDITY);
}

/** "30s". @returns milliseconds. */
export function parseSettle(text: string): number {
  return parseTime(text, SETTLE);
}

function parseTime(text: string, { leastMs, mostMs, expected }: typeof VALIDITY): number {
  const [, number = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS[unit as keyof typeof UNITS] ?? Number.NaN);
  if (!(ms >= leastMs && ms <= mostMs)) throw new InvalidArgumentError(expected);
  return ms;
}
