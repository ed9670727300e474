import type { Preferences as PreferencesMessage, PushServiceImplementation } from "../../gen/bookstore/push/v1/push_service.ts";
import { isRequiredOnWeb } from "./kind.ts";
import { kindOf, numberOf } from "./notification-message.ts";
import { choicesOf, chosenPreferences, type PreferenceStore, type Preferences, unsubscribe } from "./preferences.ts";

type PreferenceMethods = Pick<PushServiceImplementation, "getPreferences" | "updatePreferences" | "unsubscribe">;

/** Implements what bookstore.push.v1.PushService has for preferences. */
export function preferenceHandler(store: PreferenceStore, options: { emails: boolean }): PreferenceMethods {
  return {
    async getPreferences({ userId }) {
      return { preferences: messageOf(await store.read(userId)), emailAvailable: options.emails };
    },

    async updatePreferences({ userId, preferences: { kinds, quietHours } = { kinds: [], quietHours: undefined } }) {
      const choices = kinds.map(({ kind, web, email }) => ({ kind: kindOf(kind), web, email }));
      const preferences = chosenPreferences(choices, quietHours);
      await store.replace(userId, preferences);
      return { preferences: messageOf(preferences) };
    },

    async unsubscribe({ token, kind }) {
      await unsubscribe(store, token, kindOf(kind));
      return {};
    },
  };
}

function messageOf(preferences: Preferences): PreferencesMessage {
  const kinds = choicesOf(preferences).map(({ kind, web, email }) => ({
    ...{ kind: numberOf[kind], web, email, webRequired: isRequiredOnWeb(kind) },
  }));
  return { kinds, quietHours: preferences.quietHours };
}
