import type { Messages } from "./message.ts";

export const es: Messages = {
  "message.title": "Un mensaje de la librería",
  "order-placed.title": "Hemos recibido su pedido",
  "order-placed.text":
    "¡Gracias! El {date} pidió {count, plural, one {# libro} other {# libros}}: {books}. Hemos recibido {total}.{discounted, select, yes { Con nuestra promoción ha ahorrado {discount}.} other {}}",
  "order-cancelled.title": "Su pedido está cancelado",
  "order-cancelled.text":
    "Su pedido de {count, plural, one {# libro} other {# libros}} ({books}) está cancelado. Le devolvemos {refund}.",
  "payment-failed.title": "Su pago no se ha completado",
  "payment-failed.text":
    "No hemos podido cobrar su pedido, así que no se ha realizado. No se le ha cobrado nada. Inténtelo de nuevo o con otra tarjeta.",
  "comment-posted.title": "Un comentario nuevo",
  "comment-posted.text":
    "{named, select, yes {{name} ha} other {Alguien ha}} comentado su {about, select, article {artículo} other {reseña}}: «{excerpt}»",
  "comment-answered.title": "Una respuesta a su comentario",
  "comment-answered.text": "{named, select, yes {{name} ha} other {Alguien ha}} respondido a su comentario: «{excerpt}»",
  "promotion-reminder.title": "Compre dos y llévese uno gratis",
  "promotion-reminder.text":
    "Su oferta le espera: compre dos libros y llévese un tercero gratis. Puede usarla en un solo pedido.",
  book: "«{title}»",
  "more-books": "{count, plural, one {# libro más} other {# libros más}}",
  "email.greeting": "Hola, {name}:",
  "email.open": "Ver en la librería",
  "email.why": "Recibe este correo porque tiene una cuenta en la librería.",
  "email.unsubscribe": "No recibir más correos de este tipo",
};
