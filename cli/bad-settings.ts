/** Thrown for settings and options that cannot be used. The message lists every one of them. */
export class BadSettings extends Error {
  override readonly name = "BadSettings";
}
