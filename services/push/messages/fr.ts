import type { Messages } from "./message.ts";

// Quotation marks and colons take no-break spaces (U+202F, U+00A0) in French.
export const fr: Messages = {
  "message.title": "Un message de la librairie",
  "order-placed.title": "Votre commande est enregistrée",
  "order-placed.text":
    "Merci\u202f! Le {date}, vous avez commandé {count, plural, one {# livre} other {# livres}}\u00a0: {books}. Nous avons reçu {total}.{discounted, select, yes { Notre promotion vous a fait économiser {discount}.} other {}}",
  "order-cancelled.title": "Votre commande est annulée",
  "order-cancelled.text":
    "Votre commande de {count, plural, one {# livre} other {# livres}} ({books}) est annulée. Nous vous remboursons {refund}.",
  "payment-failed.title": "Votre paiement n’a pas abouti",
  "payment-failed.text":
    "Nous n’avons pas pu encaisser le paiement de votre commande\u00a0: elle n’est pas enregistrée et rien ne vous a été débité. Veuillez réessayer, ou utiliser une autre carte.",
  "comment-posted.title": "Un nouveau commentaire",
  "comment-posted.text":
    "{named, select, yes {{name} a} other {Quelqu’un a}} commenté votre {about, select, article {article} other {critique}}\u00a0: «\u00a0{excerpt}\u00a0»",
  "comment-answered.title": "Une réponse à votre commentaire",
  "comment-answered.text":
    "{named, select, yes {{name} a} other {Quelqu’un a}} répondu à votre commentaire\u00a0: «\u00a0{excerpt}\u00a0»",
  "promotion-reminder.title": "Deux livres achetés, un livre offert",
  "promotion-reminder.text":
    "Votre offre vous attend\u00a0: achetez deux livres et le troisième vous est offert. Elle est valable pour une commande.",
  book: "«\u00a0{title}\u00a0»",
  "more-books": "{count, plural, one {# autre livre} other {# autres livres}}",
  "email.greeting": "Bonjour {name},",
  "email.open": "Voir dans la librairie",
  "email.why": "Vous recevez cet e-mail car vous avez un compte à la librairie.",
  "email.unsubscribe": "Ne plus recevoir d’e-mails de ce type",
};
