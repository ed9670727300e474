import { isTimeZone, quietUntil } from "./quiet-hours.ts";

/** When it is over, as an ISO string; undefined if it is not quiet. */
function until(from: string, to: string, timeZone: string, now: string): string | undefined {
  return quietUntil({ from, to, timeZone }, new Date(now))?.toISOString();
}

test.each([
  ["2026-11-21T21:59:59Z", undefined],
  ["2026-11-21T22:00:00Z", "2026-11-22T07:30:00.000Z"],
  ["2026-11-21T23:59:59.999Z", "2026-11-22T07:30:00.000Z"],
  ["2026-11-22T00:00:00Z", "2026-11-22T07:30:00.000Z"],
  ["2026-11-22T07:29:59.999Z", "2026-11-22T07:30:00.000Z"],
  ["2026-11-22T07:30:00Z", undefined],
])("across midnight, at %s: until %s", (now, expected) => {
  expect(until("22:00", "07:30", "UTC", now)).toBe(expected);
});

test.each([
  ["2026-11-21T12:59:00Z", undefined],
  ["2026-11-21T13:00:00Z", "2026-11-21T15:01:00.000Z"],
  ["2026-11-21T15:01:00Z", undefined],
])("within a day, at %s: until %s", (now, expected) => {
  expect(until("13:00", "15:01", "UTC", now)).toBe(expected);
});

test("goes by the clock of the user's time zone", () => {
  // 22:15 in Kathmandu, which is 5 hours and 45 minutes ahead.
  expect(until("22:00", "07:00", "Asia/Kathmandu", "2026-11-21T16:30:00Z")).toBe("2026-11-22T01:15:00.000Z");
  expect(until("22:00", "07:00", "Asia/Shanghai", "2026-11-21T16:30:00Z")).toBe("2026-11-21T23:00:00.000Z");
  expect(until("22:00", "07:00", "America/New_York", "2026-11-21T16:30:00Z")).toBeUndefined();
});

test("a night in which clocks are put forward is an hour shorter", () => {
  // 28 to 29 March 2026 in Berlin: 02:00 is 03:00.
  expect(until("22:00", "07:00", "Europe/Berlin", "2026-03-28T21:00:00Z")).toBe("2026-03-29T05:00:00.000Z");
  expect(until("22:00", "07:00", "Europe/Berlin", "2026-03-27T21:00:00Z")).toBe("2026-03-28T06:00:00.000Z");
});

test("an end that the clock leaps over is where it leaps to", () => {
  expect(until("22:00", "02:30", "Europe/Berlin", "2026-03-28T23:00:00Z")).toBe("2026-03-29T01:00:00.000Z");
});

test("a beginning that the clock leaps over is where it leaps to", () => {
  expect(until("02:30", "04:00", "Europe/Berlin", "2026-03-29T00:59:00Z")).toBeUndefined();
  expect(until("02:30", "04:00", "Europe/Berlin", "2026-03-29T01:00:00Z")).toBe("2026-03-29T02:00:00.000Z");
});

test("a night in which clocks are put back is an hour longer", () => {
  // 24 to 25 October 2026 in Berlin: 03:00 is 02:00.
  expect(until("22:00", "07:00", "Europe/Berlin", "2026-10-24T20:00:00Z")).toBe("2026-10-25T06:00:00.000Z");
});

test("an hour that the clock shows twice is quiet twice", () => {
  const at = (now: string) => until("01:00", "02:30", "Europe/Berlin", now);

  expect(at("2026-10-25T00:15:00Z")).toBe("2026-10-25T00:30:00.000Z");
  expect(at("2026-10-25T00:45:00Z")).toBeUndefined();
  expect(at("2026-10-25T01:15:00Z")).toBe("2026-10-25T01:30:00.000Z");
  expect(at("2026-10-25T01:30:00Z")).toBeUndefined();
});

test("a clock that is put forward by half an hour is followed too", () => {
  // Lord Howe, 4 October 2026: 02:00 is 02:30.
  expect(until("01:00", "02:15", "Australia/Lord_Howe", "2026-10-03T15:00:00Z")).toBe("2026-10-03T15:30:00.000Z");
});

test("whoever has no quiet hours is never left alone", () => {
  expect(quietUntil(undefined, new Date())).toBeUndefined();
});

test.each(["Europe/Berlin", "UTC", "Asia/Kolkata", "America/Argentina/Buenos_Aires"])("%s is a time zone", (name) => {
  expect(isTimeZone(name)).toBe(true);
});

test.each(["", "Europe/Bielefeld", "+01:00", "-0800", "Berlin", "Europe/Berlin ", "__proto__"])("%j is none", (name) => {
  expect(isTimeZone(name)).toBe(false);
});
