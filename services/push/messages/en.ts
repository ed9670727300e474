import type { Messages } from "./message.ts";

export const en: Messages = {
  "message.title": "A message from the bookstore",
  "order-placed.title": "Your order is placed",
  "order-placed.text":
    "Thank you! On {date} you ordered {count, plural, one {# book} other {# books}}: {books}. We have received {total}.{discounted, select, yes { Our promotion saved you {discount}.} other {}}",
  "order-cancelled.title": "Your order is cancelled",
  "order-cancelled.text":
    "Your order of {count, plural, one {# book} other {# books}} ({books}) is cancelled. You get {refund} back.",
  "payment-failed.title": "Your payment did not go through",
  "payment-failed.text":
    "We could not take the payment for your order, so it was not placed. You have been charged nothing. Please try again, or with another card.",
  "comment-posted.title": "A new comment",
  "comment-posted.text":
    "{named, select, yes {{name} has} other {Somebody has}} commented on your {about, select, article {article} other {review}}: “{excerpt}”",
  "comment-answered.title": "An answer to your comment",
  "comment-answered.text": "{named, select, yes {{name} has} other {Somebody has}} answered your comment: “{excerpt}”",
  "promotion-reminder.title": "Buy two, get one free",
  "promotion-reminder.text": "Your offer is waiting: buy two books and get a third one free. It can be used for one order.",
  book: "“{title}”",
  "more-books": "{count, plural, one {# more book} other {# more books}}",
  "email.greeting": "Hello {name},",
  "email.open": "Open it in the bookstore",
  "email.why": "You get this e-mail because you have an account at the bookstore.",
  "email.unsubscribe": "No more e-mails of this kind",
};
