import { Backoff } from "./backoff.ts";

const noJitter = () => 0;

test("doubles from 500 ms up to 30 s", () => {
  const backoff = new Backoff(noJitter);

  expect(Array.from({ length: 8 }, () => backoff.next(0))).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("begins again after a run of a minute", () => {
  const backoff = new Backoff(noJitter);
  for (let i = 0; i < 5; i++) backoff.next(59_999);

  expect(backoff.next(60_000)).toBe(500);
  expect(backoff.next(0)).toBe(1_000);
});

test("leaves out up to half of the delay at random", () => {
  expect(new Backoff(() => 0.5).next(0)).toBe(375);
  expect(new Backoff(() => 0.999_9).next(0)).toBe(250);
});

test("waits a quarter of a second after a kill, however many there were", () => {
  const backoff = new Backoff(noJitter);

  expect(Array.from({ length: 4 }, () => backoff.next(0, true))).toEqual([250, 250, 250, 250]);
});
