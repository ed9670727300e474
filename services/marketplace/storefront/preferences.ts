import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { PushClient } from "../../../clients/push.ts";
import { NotificationKind, type Preferences } from "../../../gen/bookstore/push/v1/push_service.ts";
import { orExplain } from "./failure-pages.ts";
import { orShowProblems } from "./form-failures.ts";
import { bodyOf, queryOf } from "./form-schema.ts";
import { NOTIFICATIONS_AWAY } from "./notifications.ts";
import { showPage } from "./page.ts";
import type { Problems } from "./pages/form.ts";
import { preferencesPage, unsubscribedPage, unsubscribePage } from "./pages/preferences.ts";
import { problemPage } from "./pages/problem.ts";
import { onlyForUsers } from "./signed-in.ts";
import { userIdOf, visitorOf } from "./visitor.ts";

export interface PreferencesDeps {
  push: Pick<PushClient, "getPreferences" | "updatePreferences" | "unsubscribe">;
}

const FAILURES = {
  fields: ["quietFrom", "quietTo", "timeZone"],
  paths: {
    "preferences.quiet_hours.from": "quietFrom",
    "preferences.quiet_hours.to": "quietTo",
    "preferences.quiet_hours.time_zone": "timeZone",
  },
  reasons: {},
  otherwise: "Your preferences cannot be changed just now.",
};

const kinds = Object.values(NotificationKind).filter((kind): kind is NotificationKind => typeof kind === "number" && kind > 0);
const NAMES = [...kinds.flatMap((kind) => [`web-${kind}`, `email-${kind}`]), ...FAILURES.fields];

type Form = Record<string, string> & { quietFrom: string; quietTo: string; timeZone: string };

/** What users want to be told of. */
export function preferenceRoutes(app: FastifyInstance, { push }: PreferencesDeps): void {
  app.register(async (forUsers) => {
    onlyForUsers(forUsers);

    forUsers.get<{ Querystring: { done: string } }>(
      "/notifications/preferences",
      { schema: queryOf("done") },
      async (request, reply) => {
        const show = async () =>
          showPage(reply, preferencesPage({ ...(await knownTo(request)), done: request.query.done === "yes" }));
        return orExplain(reply, show, { otherwise: NOTIFICATIONS_AWAY });
      },
    );

    forUsers.post<{ Body: Form }>("/notifications/preferences", { schema: bodyOf(...NAMES) }, async (request, reply) => {
      const save = async () => {
        const known = await knownTo(request);
        const preferences = chosen(known.preferences, request.body);
        const change = async () => {
          await push.updatePreferences({ userId: userIdOf(request), preferences });
          return reply.redirect("/notifications/preferences?done=yes", 303);
        };
        const { quietFrom, quietTo, timeZone } = request.body;
        const show = (problems: Problems) =>
          preferencesPage({ ...known, preferences, typed: { quietFrom, quietTo, timeZone }, problems });
        return orShowProblems(reply, change, { ...FAILURES, show });
      };
      return orExplain(reply, save, { otherwise: NOTIFICATIONS_AWAY });
    });
  });

  unsubscribeRoutes(app, { push });

  async function knownTo(request: FastifyRequest) {
    const { preferences, emailAvailable } = await push.getPreferences({ userId: userIdOf(request) });
    const visitor = visitorOf(request);
    const language = visitor.kind === "signed in" ? (visitor.user?.language ?? "") : "";
    return { preferences: preferences ?? { kinds: [], quietHours: undefined }, emailAvailable, language };
  }
}

/** A box that is not ticked is not sent. */
function chosen({ kinds }: Preferences, form: Form): Preferences {
  const { quietFrom: from, quietTo: to, timeZone } = form;
  return {
    kinds: kinds.map(({ kind, webRequired }) => ({
      ...{ kind, webRequired, web: webRequired || form[`web-${kind}`] === "on", email: form[`email-${kind}`] === "on" },
    })),
    quietHours: from === "" && to === "" ? undefined : { from, to, timeZone },
  };
}

const UNKNOWN_LINK = {
  status: 404,
  page: problemPage("This link is not good any more", "Choose in the shop which e-mails you want to get.", [
    { href: "/notifications/preferences", label: "To your choices" },
  ]),
};
const AWAY = problemPage("E-mails cannot be stopped just now", "Please follow the link in the e-mail again in a minute.");

const fromMail = {
  querystring: {
    type: "object",
    properties: {
      token: { type: "string", pattern: "^[0-9A-Za-z_-]{1,64}$" },
      kind: { type: "integer", enum: kinds },
    },
    required: ["token", "kind"],
  },
};

interface FromMail {
  Querystring: { token: string; kind: NotificationKind };
}

/** Where the link of an e-mail leads, by which whoever got it stops such e-mails, signed in or not (RFC 8058). */
function unsubscribeRoutes(app: FastifyInstance, { push }: Pick<PreferencesDeps, "push">): void {
  app.register(async (open) => {
    // Mail programs send one word of no interest, in whichever form they like.
    open.addContentTypeParser("multipart/form-data", { parseAs: "buffer" }, (_request, _body, done) => done(null, undefined));

    open.get<FromMail>("/notifications/unsubscribe", { schema: fromMail }, async (request, reply) =>
      showPage(reply, unsubscribePage(request.url, request.query.kind)),
    );

    open.post<FromMail>("/notifications/unsubscribe", { schema: fromMail }, async (request, reply: FastifyReply) => {
      const { token, kind } = request.query;
      const stop = async () => {
        await push.unsubscribe({ token, kind });
        return showPage(reply, unsubscribedPage(kind));
      };
      return orExplain(reply, stop, { reasons: { UNSUBSCRIBE_TOKEN_NOT_FOUND: () => UNKNOWN_LINK }, otherwise: AWAY });
    });
  });
}
