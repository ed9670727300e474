import { createHash } from "node:crypto";
import type { Canaries } from "./canaries.ts";
import { until } from "./until.ts";

/** What a user of the shop has. */
export interface Belongings {
  readonly orderId: string;
  /** Which others comment on. */
  readonly review: { readonly bookId: number; readonly id: string };
  readonly commentId: bigint;
  readonly documentId: string;
  /** What it takes to call every method about them: values by the full names of fields, or by the last part of them. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Somebody who calls. */
interface Caller {
  readonly id: string;
  readonly email: string;
  readonly accessToken: string;
}

/** What the shop is asked for. */
export interface Asking {
  /** A call that has to succeed, by the user unless it is somebody else's. @returns the response. */
  ask(path: string, fields: Record<string, unknown>, as?: { caller?: string; token?: string }): Promise<Reply>;
  /** Any call, by the user. @returns the name of its status. */
  tryTo(path: string, fields: Record<string, unknown>): Promise<string>;
  /** The token in the last e-mail to an address by which its owner stops e-mails; "" as long as there is none. */
  unsubscribeToken(email: string): string;
}

// biome-ignore lint/suspicious/noExplicitAny: as any contract may have it, and a test that takes something else for it fails.
type Reply = Record<string, any>;

const ORDERS = "/bookstore.orders.v1";
const REVIEWS = "/bookstore.reviews.v1.ReviewsService";
const UPLOADS = "/bookstore.documents.v1.UploadService";
const FIND_RECEIPT = "/bookstore.documents.v1.DocumentsService/FindReceipt";
const BOOK_ID = 2;

/**
 * Makes everything for a user that one can have in the shop: orders, carts, a
 * review, comments, documents. All texts are canaries.
 *
 * What a call takes away is there twice.
 */
export async function makeBelongings(
  { ask, tryTo, unsubscribeToken }: Asking,
  { canaries, user, administrator }: { canaries: Canaries; user: Caller; administrator: Caller },
): Promise<Belongings> {
  const userId = user.id;
  const secret = (what: string) => canaries.plant(what, true);
  const key = () => canaries.plant("an idempotency key", false);

  const buy = async () => {
    const { cart } = await ask(`${ORDERS}.CartService/AddItem`, { userId, bookId: BOOK_ID, quantity: 1 });
    const purchase = { userId, idempotencyKey: key(), expectedTotal: cart.total };
    // No such card is known: the provider declines it.
    await tryTo(`${ORDERS}.OrdersService/PlaceOrder`, { ...purchase, paymentToken: secret("the token of a card") });
    const paid = { ...purchase, idempotencyKey: key(), paymentToken: "tok_ok" };
    const { order } = await ask(`${ORDERS}.OrdersService/PlaceOrder`, paid);
    return { ...paid, orderId: String(order.id) };
  };
  const guestCart = async () => {
    const added = { bookId: BOOK_ID, quantity: 1 };
    const { guestCartId } = await ask(`${ORDERS}.GuestCartService/AddGuestItem`, added, { caller: "marketplace" });
    canaries.plantSecret(guestCartId, "the id of a guest's cart");
    return String(guestCartId);
  };
  const announced = (what: string, data: Buffer) => ({
    ...{ name: `${secret(`the name of a ${what}`)}.txt`, contentType: "text/plain", size: BigInt(data.length) },
    sha256: createHash("sha256").update(data).digest("hex"),
  });
  const begin = async (data: Buffer) => {
    const { upload } = await ask(`${UPLOADS}/CreateUpload`, { userId, ...announced("document", data) });
    return String(upload.id);
  };
  const document = async () => {
    const data = Buffer.from(secret("the text of a document"));
    const uploadId = await begin(data);
    await ask(`${UPLOADS}/UploadChunks`, { userId, uploadId, data });
    return uploadId;
  };
  const sample = async (bookId: number) => {
    const data = Buffer.from(secret("the text of a sample"));
    const as = { token: administrator.accessToken };
    const asked = { bookId, userId: administrator.id, ...announced("sample", data) };
    const { upload } = await ask(`${UPLOADS}/CreateSampleUpload`, asked, as);
    await ask(`${UPLOADS}/UploadChunks`, { userId: administrator.id, uploadId: upload.id, data }, as);
  };
  const review = async (bookId: number) => {
    const written = { userId, bookId, rating: 5, text: secret("the text of a review") };
    return String((await ask(`${REVIEWS}/WriteReview`, written)).review.id);
  };
  const comment = async (more: Record<string, unknown>) => {
    const posted = { userId, content: secret("the text of a comment"), idempotencyKey: key(), ...more };
    return BigInt((await ask(`${REVIEWS}/PostComment`, posted)).comment.id);
  };

  const [{ orderId, ...purchase }, toCancel] = [await buy(), await buy()];
  await until(() => tryTo(FIND_RECEIPT, { userId, orderId }), "OK");
  await sample(1);
  const reviewId = await review(BOOK_ID);
  await review(1);
  const onReview = { subject: { case: "reviewId", value: reviewId } };
  const [commentId, toDelete] = [await comment(onReview), await comment(onReview)];
  // Push tells the administrator, on the page and by e-mail.
  await comment({ subject: { case: "articleId", value: 1n }, authorUserId: administrator.id });
  await until(() => unsubscribeToken(user.email) !== "", true);
  const token = unsubscribeToken(user.email);
  canaries.plantSecret(token, "a token that stops e-mails");
  const unfinished = Buffer.alloc(100, "x");

  const [documentId, guestCartId] = [await document(), await guestCart()];
  return {
    ...{ orderId, commentId, documentId, review: { bookId: BOOK_ID, id: reviewId } },
    fields: {
      ...{ order_id: orderId, idempotency_key: purchase.idempotencyKey, guest_cart_id: guestCartId, book_id: 1 },
      ...{ document_id: documentId, review_id: reviewId, comment_id: commentId, upload_id: await begin(unfinished) },
      ...{ content_type: "text/plain", sha256: "0".repeat(64), source: "orders", event_id: "" },
      "bookstore.orders.v1.PlaceOrderRequest.expected_total": purchase.expectedTotal,
      "bookstore.orders.v1.PlaceOrderRequest.payment_token": purchase.paymentToken,
      "bookstore.orders.v1.CancelOrderRequest.order_id": toCancel.orderId,
      "bookstore.orders.v1.MergeCartRequest.guest_cart_id": await guestCart(),
      "bookstore.orders.v1.ChangeGuestItemRequest.book_id": BOOK_ID,
      "bookstore.documents.v1.DownloadSampleRequest.document_id": "",
      "bookstore.documents.v1.DeleteDocumentRequest.document_id": await document(),
      "bookstore.documents.v1.DeleteUploadRequest.upload_id": await begin(unfinished),
      "bookstore.documents.v1.UploadChunksRequest.upload_id": documentId,
      "bookstore.reviews.v1.DeleteCommentRequest.comment_id": toDelete,
      "bookstore.push.v1.UnsubscribeRequest.token": token,
      "bookstore.push.v1.UpdatePreferencesRequest.preferences": {
        kinds: [{ kind: 1, web: true, email: true }],
        quietHours: { from: "22:00", to: "07:30", timeZone: "Europe/Vienna" },
      },
    },
  };
}
