/** A name and an e-mail address. */
export interface Mailbox {
  name: string;
  address: string;
}

/** An e-mail as it is handed to a mail server. */
export interface Mail {
  /** Without brackets: "…@example.com". The same e-mail has the same one however often it is sent. */
  messageId: string;
  from: Mailbox;
  to: Mailbox;
  subject: string;
  text: string;
  html: string;
  date: Date;
  headers: Readonly<Record<string, string>>;
}

/** Hands an e-mail to a mail server. @throws MailFailure */
export type SendMail = (mail: Mail) => Promise<void>;

/**
 * Why an e-mail was not taken.
 *
 * "refused": this one never will be. "later": perhaps another time. "away": no e-mail is taken at the moment.
 */
export type MailFailureKind = "refused" | "later" | "away";

export class MailFailure extends Error {
  override readonly name = "MailFailure";
  readonly kind: MailFailureKind;

  /** @param message holds nothing that the server has said: that may be an address. */
  constructor(kind: MailFailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** "Name <address>" or an address. @returns undefined for anything else. */
export function readMailbox(text: string): Mailbox | undefined {
  const [, name = "", bracketed, bare] = /^(?:([^<>]*)<([^<>\s]+)>|([^<>\s]+))$/u.exec(text.trim()) ?? [];
  const address = bracketed ?? bare ?? "";
  return isAddress(address) ? { name: name.trim().replace(/^"(.*)"$/, "$1"), address } : undefined;
}

/** Whether mail can be sent there: one address, and nothing that could be taken for more of an e-mail. */
export function isAddress(address: string): boolean {
  return /^[^\s<>"(),:;\\@\p{Cc}]+@[^\s<>"(),:;\\@\p{Cc}]+$/u.test(address);
}
