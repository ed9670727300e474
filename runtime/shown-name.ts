/** The name to show to others for one that somebody has registered under. Whoever gave an e-mail address has not meant to publish it. */
export function shownName(registered: string): string {
  const [beforeAt = ""] = registered.split("@");
  return beforeAt.trim();
}
