import { Failure, invalidField } from "../../runtime/errors.ts";
import { isRequiredOnWeb, type Kind, kinds } from "./kind.ts";
import { isTimeZone, type QuietHours } from "./quiet-hours.ts";

/** The ways in which a user hears of something. */
export type Way = "web" | "email";

/** What a user wants to be told of, and how. Whoever has said nothing is told of everything. */
export interface Preferences {
  /** What is turned off. */
  off: readonly OptOut[];
  quietHours: QuietHours | undefined;
}

export interface OptOut {
  kind: Kind;
  way: Way;
}

export interface PreferenceStore {
  read(userId: string): Promise<Preferences>;
  /** Replaces everything that the user has said before. @throws Failure "not-found" if the user is deleted. */
  replace(userId: string, preferences: Preferences): Promise<void>;
  /** Turns the e-mails of one kind off. @returns whether the token is somebody's. */
  unsubscribe(token: string, kind: Kind): Promise<boolean>;
}

/** Whether a user is to be told of a kind in a way. */
export function isWanted(preferences: Preferences, kind: Kind, way: Way): boolean {
  if (way === "web" && isRequiredOnWeb(kind)) return true;
  return !preferences.off.some((optOut) => optOut.kind === kind && optOut.way === way);
}

/** One kind, as a user has said it. */
export interface KindChoice {
  kind: Kind;
  web: boolean;
  email: boolean;
}

/** @throws Failure about the first thing that a user cannot choose. */
export function chosenPreferences(choices: readonly KindChoice[], quietHours: QuietHours | undefined): Preferences {
  const seen = new Set<Kind>();
  for (const [i, { kind, web }] of choices.entries()) {
    if (seen.has(kind)) throw invalidField(`preferences.kinds[${i}].kind`, "must not be there twice");
    if (!web && isRequiredOnWeb(kind)) throw invalidField(`preferences.kinds[${i}].web`, "must be true for this kind");
    seen.add(kind);
  }
  if (quietHours !== undefined) {
    if (!isTimeZone(quietHours.timeZone))
      throw invalidField("preferences.quiet_hours.time_zone", "must be a time zone of the IANA database");
    if (quietHours.from === quietHours.to) throw invalidField("preferences.quiet_hours.to", "must not be when they begin");
  }
  const off = choices.flatMap(({ kind, web, email }): OptOut[] => [
    ...(web ? [] : [{ kind, way: "web" as const }]),
    ...(email ? [] : [{ kind, way: "email" as const }]),
  ]);
  return { off, quietHours };
}

/** Every kind, as a user has it. */
export function choicesOf(preferences: Preferences): KindChoice[] {
  return kinds.map((kind) => ({
    kind,
    web: isWanted(preferences, kind, "web"),
    email: isWanted(preferences, kind, "email"),
  }));
}

/** Turns e-mails off for whoever holds a token. */
export async function unsubscribe(store: PreferenceStore, token: string, kind: Kind): Promise<void> {
  if (await store.unsubscribe(token, kind)) return;
  throw new Failure("not-found", "no such token", { reason: "UNSUBSCRIBE_TOKEN_NOT_FOUND" });
}
