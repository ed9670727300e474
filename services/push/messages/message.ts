import type { Kind } from "../kind.ts";

/** Everything that push says by itself, each an ICU message. */
export type MessageKey =
  | `${Kind}.title`
  | `${Exclude<Kind, "message">}.text`
  /** A book among others. */
  | "book"
  /** What stands for the rest of a long list of books. */
  | "more-books"
  | "email.greeting"
  | "email.open"
  | "email.why"
  | "email.unsubscribe";

export type Messages = Readonly<Record<MessageKey, string>>;
