import type { FastifyInstance } from "fastify";
import type { PushClient } from "../../../clients/push.ts";
import { LIVE_PAGE } from "./content-security.ts";
import { orExplain } from "./failure-pages.ts";
import { queryOf, text } from "./form-schema.ts";
import { unlessGone } from "./not-found.ts";
import { showPage } from "./page.ts";
import { notificationsPage, viewOf } from "./pages/notifications.ts";
import { problemPage } from "./pages/problem.ts";
import { onlyForUsers } from "./signed-in.ts";
import { userIdOf } from "./visitor.ts";

export interface NotificationsDeps {
  push: Pick<PushClient, "listNotifications" | "markRead">;
}

const PAGE_SIZE = 20;

export const NOTIFICATIONS_AWAY = problemPage("Notifications are taking a break", "None is lost. Please try again in a minute.");

const ids = { type: "string", pattern: "^[0-9]{1,15}(,[0-9]{1,15}){0,99}$" };
const read = { body: { type: "object", properties: { ids, page: text }, required: ["ids"], additionalProperties: false } };

/** What a user has been told. */
export function notificationRoutes(app: FastifyInstance, { push }: NotificationsDeps): void {
  onlyForUsers(app);
  // No other page of the shop runs a script, or connects to anything.
  const helmet = { contentSecurityPolicy: LIVE_PAGE };

  app.get<{ Querystring: { page: string } }>("/notifications", { schema: queryOf("page"), helmet }, async (request, reply) => {
    const { page } = request.query;
    const show = async () => {
      const asked = { userId: userIdOf(request), pageSize: PAGE_SIZE, pageToken: page };
      const { notifications, nextPageToken, unreadCount } = await push.listNotifications(asked);
      const next = nextPageToken === "" ? undefined : `/notifications?${new URLSearchParams({ page: nextPageToken })}`;
      return showPage(reply, notificationsPage({ notifications: notifications.map(viewOf), unreadCount, page, next }));
    };
    return orExplain(reply, show, { otherwise: NOTIFICATIONS_AWAY });
  });

  app.post<{ Body: { ids: string; page: string } }>("/notifications/read", { schema: read }, async (request, reply) => {
    const { ids, page } = request.body;
    const mark = async () => {
      const notificationIds = ids.split(",").map(BigInt);
      await push.markRead({ userId: userIdOf(request), notificationIds }).catch(unlessGone);
      return reply.redirect(page === "" ? "/notifications" : `/notifications?${new URLSearchParams({ page })}`, 303);
    };
    return orExplain(reply, mark, { otherwise: NOTIFICATIONS_AWAY });
  });
}
