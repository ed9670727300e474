/** A time of each day in which a user wants not to be disturbed. */
export interface QuietHours {
  /** "22:00": on the user's clock, the minute in which it begins. */
  from: string;
  /** "07:30": the minute in which it is over; the next day if that is earlier. */
  to: string;
  /** Of the IANA database: "Europe/Berlin". */
  timeZone: string;
}

/** Clocks are changed on the quarter of an hour, everywhere. */
const STEP_MINUTES = 15;
const MINUTE_MS = 60_000;

/** Whether a name is that of a time zone, and not of a mere offset, which has no summer. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * When the quiet hours that it is now are over: the first minute that the
 * user's clock does not show as quiet.
 *
 * So a night in which clocks are put forward is an hour shorter, and an end
 * that the clock leaps over is where it leaps to.
 *
 * @returns undefined if it is not quiet now.
 */
export function quietUntil(hours: QuietHours | undefined, now: Date): Date | undefined {
  if (hours === undefined) return undefined;
  const from = minuteOf(hours.from);
  const to = minuteOf(hours.to);
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeZone: hours.timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const isQuiet = (minute: number) => (from < to ? from <= minute && minute < to : from <= minute || minute < to);

  let time = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  let minute = minuteOf(clock.format(time));
  if (!isQuiet(minute)) return undefined;
  while (isQuiet(minute)) {
    const untilTo = (to - minute + 1_440) % 1_440;
    time += Math.min(untilTo, STEP_MINUTES - (minute % STEP_MINUTES)) * MINUTE_MS;
    minute = minuteOf(clock.format(time));
  }
  return new Date(time);
}

/** "07:30" is minute 450 of the day. */
function minuteOf(clock: string): number {
  const [hour = "0", minute = "0"] = clock.split(":");
  return Number(hour) * 60 + Number(minute);
}
