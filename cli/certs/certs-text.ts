import { table } from "../table.ts";
import { type TextStyle, textStyle } from "../text-style.ts";
import { timeSpan } from "../time-span.ts";
import type { CertsDocument, CredentialStatus, RootStatus } from "./certs-document.ts";

/** What `bookmesh certs show` shows to people: lines, each with a newline at its end. */
export function certsText({ roots, credentials }: CertsDocument, { colour, now }: { colour: boolean; now: Date }): string {
  if (roots.length === 0) return "There are no certificates yet: `bookmesh up` makes them, and so does `bookmesh certs issue`.\n";
  const style = textStyle(colour);
  return `${[credentialTable(credentials, style, now), rootTable(roots, style, now)].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** "2026-11-22 12:00:30 UTC" */
export function moment(time: string | Date): string {
  return `${new Date(time).toISOString().replace("T", " ").slice(0, 19)} UTC`;
}

function credentialTable(credentials: readonly CredentialStatus[], style: TextStyle, now: Date): string[] {
  const columns = ["NAME", "IDENTITY", "EXPIRES", "RENEWED", "ISSUED BY", "STATE"].map((title) => ({ title }));
  const rows = credentials.map(({ name, spiffeId, state, notAfter, renewedAt, issuedBy }) => [
    ...[name, spiffeId, fromNow(notAfter, now), fromNow(renewedAt, now)],
    issuedBy === null ? "" : `root ${issuedBy}`,
    state === "good" ? style.good(state) : state === "due" ? style.warning(state) : style.bad(state),
  ]);
  return table(columns, rows, style.heading);
}

function rootTable(roots: readonly RootStatus[], style: TextStyle, now: Date): string[] {
  const columns = ["ROOT", "EXPIRES", "STATE", "SHA-256 FINGERPRINT"].map((title) => ({ title }));
  const rows = roots.map((root) => [`root ${root.number}`, fromNow(root.notAfter, now), inWords(root, style), root.fingerprint]);
  return table(columns, rows, style.heading);
}

function inWords({ state, signsFrom, leavesUntil }: RootStatus, style: TextStyle): string {
  if (state === "signs") return style.good(state);
  if (state === "signs soon" && signsFrom !== null) return style.warning(`signs from ${moment(signsFrom)}`);
  return state === "trusted" && leavesUntil !== null ? `trusted until ${moment(leavesUntil)}` : style.warning(state);
}

function fromNow(time: string | null, now: Date): string {
  if (time === null) return "";
  const ms = Date.parse(time) - now.getTime();
  return ms > 0 ? `in ${timeSpan(ms)}` : `${timeSpan(-ms)} ago`;
}
