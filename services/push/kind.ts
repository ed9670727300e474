/** What a Notification is about, as the contract has it. */
export const kinds = [
  "message",
  "order-placed",
  "order-cancelled",
  "payment-failed",
  "comment-posted",
  "comment-answered",
  "promotion-reminder",
] as const;

export type Kind = (typeof kinds)[number];

/** What a user has asked for, and what is about the user's money: whoever turns it off would miss what no other place says. */
const alwaysOnWeb: ReadonlySet<Kind> = new Set(["message", "order-placed", "order-cancelled", "payment-failed"]);

/** Whether Notifications of a kind come whatever the user's preferences say. */
export function isRequiredOnWeb(kind: Kind): boolean {
  return alwaysOnWeb.has(kind);
}
