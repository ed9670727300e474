import type { Messages } from "./message.ts";

export const de: Messages = {
  "message.title": "Eine Nachricht der Buchhandlung",
  "order-placed.title": "Ihre Bestellung ist eingegangen",
  "order-placed.text":
    "Vielen Dank! Am {date} haben Sie {count, plural, one {# Buch} other {# Bücher}} bestellt: {books}. Wir haben {total} erhalten.{discounted, select, yes { Mit unserer Aktion haben Sie {discount} gespart.} other {}}",
  "order-cancelled.title": "Ihre Bestellung ist storniert",
  "order-cancelled.text":
    "Ihre Bestellung von {count, plural, one {# Buch} other {# Büchern}} ({books}) ist storniert. Sie erhalten {refund} zurück.",
  "payment-failed.title": "Ihre Zahlung ist fehlgeschlagen",
  "payment-failed.text":
    "Die Zahlung für Ihre Bestellung ist nicht gelungen, deshalb wurde nichts bestellt und nichts abgebucht. Bitte versuchen Sie es noch einmal oder mit einer anderen Karte.",
  "comment-posted.title": "Ein neuer Kommentar",
  "comment-posted.text":
    "{named, select, yes {{name} hat} other {Jemand hat}} {about, select, article {Ihren Artikel} other {Ihre Rezension}} kommentiert: „{excerpt}“",
  "comment-answered.title": "Eine Antwort auf Ihren Kommentar",
  "comment-answered.text": "{named, select, yes {{name} hat} other {Jemand hat}} auf Ihren Kommentar geantwortet: „{excerpt}“",
  "promotion-reminder.title": "Zwei kaufen, eins geschenkt",
  "promotion-reminder.text":
    "Ihr Angebot gilt noch: Kaufen Sie zwei Bücher, und Sie bekommen ein drittes geschenkt. Es gilt für eine Bestellung.",
  book: "„{title}“",
  "more-books": "{count, plural, one {# weiteres Buch} other {# weitere Bücher}}",
  "email.greeting": "Guten Tag {name},",
  "email.open": "In der Buchhandlung ansehen",
  "email.why": "Sie erhalten diese E-Mail, weil Sie ein Konto bei der Buchhandlung haben.",
  "email.unsubscribe": "Keine E-Mails dieser Art mehr",
};
