import type { Transaction } from "kysely";
import {
  OrderCancelled,
  OrderPaymentFailed,
  OrderPlaced,
  PromotionReminded,
} from "../../gen/bookstore/events/v1/order_events.ts";
import { CommentPosted } from "../../gen/bookstore/events/v1/review_events.ts";
import type { Event } from "../../runtime/events/event.ts";
import { type Effect, on, type Subscription } from "../../runtime/events/subscription.ts";
import { shownName } from "../../runtime/shown-name.ts";
import { deliver } from "./delivery.ts";
import { knownReader, logProgress, noSubject, type PushDeps, type Subject } from "./notification.ts";
import { voiceFor } from "./phrase.ts";
import type { PreferenceStore } from "./preferences.ts";
import type { Schema } from "./schema.ts";
import { type Happening, wordingOf } from "./wording.ts";

export interface HappeningDeps extends Omit<PushDeps, "store"> {
  store: { preferences: Pick<PreferenceStore, "read"> };
  /** Whether e-mails are sent at all. */
  emails: boolean;
}

/** Whom to tell of what. */
interface News {
  userId: string;
  subject: Partial<Subject>;
  happening: Happening;
}

/** What push does with the events of others: it tells the people whom they concern. */
export function happenings(deps: HappeningDeps): Subscription<Schema>[] {
  return [
    on(OrderPlaced, ({ userId, orderId, ...order }, event) => {
      return tell(deps, event, { userId, subject: { orderId }, happening: { kind: "order-placed", ...order } });
    }),
    on(OrderCancelled, ({ userId, orderId, ...order }, event) => {
      return tell(deps, event, { userId, subject: { orderId }, happening: { kind: "order-cancelled", ...order } });
    }),
    on(OrderPaymentFailed, ({ userId, orderId }, event) => {
      return tell(deps, event, { userId, subject: { orderId }, happening: { kind: "payment-failed" } });
    }),
    on(PromotionReminded, ({ userId }, event) => {
      return tell(deps, event, { userId, subject: {}, happening: { kind: "promotion-reminder" } });
    }),
    on(CommentPosted, (comment, event) => tellOfComment(deps, event, comment)),
  ];
}

async function tellOfComment(deps: HappeningDeps, event: Event, comment: CommentPosted) {
  const { authorUserId: userId, bookId, articleId, commentId, parentCommentId, content } = comment;
  // Nobody has to be told of what they have written themselves.
  if (comment.userId === userId) return undefined;
  deps.logger.info(`Push Message: article_u_id: ${userId}`);
  const commenter = shownName((await deps.findReader(comment.userId))?.name ?? "");
  const effect = await tell(deps, event, {
    userId,
    subject: { bookId, articleId: Number(articleId), commentId: Number(commentId) },
    happening:
      parentCommentId === 0n
        ? { kind: "comment-posted", about: articleId === 0n ? "review" : "article", commenter, content }
        : { kind: "comment-answered", commenter, content },
  });
  if (effect === undefined) {
    deps.logger.info("push result: false, message: not registered.");
    return undefined;
  }
  return async (transaction: Transaction<Schema>) => {
    await effect(transaction);
    deps.logger.info("push result: true, message: push success.");
  };
}

/** @returns what tells the user; undefined if there is no such user: then nothing is to be done. */
async function tell(deps: HappeningDeps, event: Event, news: News): Promise<Effect<Schema> | undefined> {
  const { userId, happening } = news;
  const reader = userId === "" ? undefined : await knownReader(deps, userId);
  if (reader === undefined) {
    deps.logger.info({ source: event.source, event: event.id, type: event.type }, "not registered");
    return undefined;
  }
  const preferences = await deps.store.preferences.read(userId);
  const voice = voiceFor(reader);
  const delivery = {
    ...{ userId, kind: happening.kind, subject: { ...noSubject, ...news.subject } },
    ...wordingOf(happening, voice, preferences.quietHours?.timeZone ?? "UTC"),
    language: voice.language,
    // An event may come again when the consumer has long forgotten that it was handled.
    key: `event ${event.source} ${event.id}`,
  };
  return async (transaction) => {
    await deliver(transaction, delivery, { now: deps.now(), preferences, emails: deps.emails });
    // Where this comes before the commit, the look for what other replicas have stored finds it.
    deps.wake(userId);
    logProgress(deps.logger, userId, reader, delivery.content);
  };
}
