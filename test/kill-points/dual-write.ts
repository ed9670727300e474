// Plants the defect that the event log is there to prevent: `node --import <this> services/orders/main.ts` notes
// events after the commit, in a transaction of their own. Who is ended in between has changed its store and told nobody.
import { EventLog } from "../../runtime/events/event-log.ts";

type Append = (...args: Parameters<EventLog["append"]>) => Promise<void>;

const append = EventLog.prototype.append as Append;
const wake = EventLog.prototype.wake;
const waiting: Parameters<Append>[] = [];

EventLog.prototype.append = async (...args: Parameters<Append>) => {
  waiting.push(args);
};
EventLog.prototype.wake = function (this: EventLog) {
  const now = waiting.splice(0);
  const telling = now.map(([, type, event]) => this.tables.transaction().execute((own) => append.call(this, own, type, event)));
  void Promise.all(telling).then(() => wake.call(this));
};
