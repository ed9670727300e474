import { AttemptLimits } from "./attempts.ts";

const LIMITED = { kind: "exhausted", reason: "TOO_MANY_ATTEMPTS" };

/** Limits under a clock that goes when it is told to. */
function startLimits(options: { mostKeys?: number } = {}) {
  let nowMs = 1_000_000;
  const limits = new AttemptLimits({ now: () => nowMs, ...options });
  const begin = (account: string, address: string, known = false) => limits.begin({ account, address, known });
  return {
    ...{ limits, begin },
    pass(ms: number) {
      nowMs += ms;
    },
    /** How many attempts fail, one after another, until one is refused. */
    failures(account: string, address: string, known = false) {
      for (let count = 0; count < 1_000; count++) {
        try {
          begin(account, address, known);
        } catch (error) {
          expect(error).toMatchObject(LIMITED);
          return count;
        }
      }
      return Number.POSITIVE_INFINITY;
    },
  };
}

test("takes ten wrong passwords for one account from one address, then one each 90 seconds", () => {
  const { begin, failures, pass } = startLimits();

  expect(failures("ada", "192.0.2.1")).toBe(10);
  expect(() => begin("ada", "192.0.2.1")).toThrow(expect.objectContaining({ ...LIMITED, retryAfterMs: 90_000 }));
  pass(89_999);
  expect(() => begin("ada", "192.0.2.1")).toThrow(expect.objectContaining({ retryAfterMs: 1 }));
  pass(1);
  expect(failures("ada", "192.0.2.1")).toBe(1);
  pass(15 * 60_000);
  expect(failures("ada", "192.0.2.1")).toBe(10);
});

test("takes thirty from one address for all accounts, then one each 30 seconds", () => {
  const { begin, failures, pass } = startLimits();
  for (let i = 0; i < 30; i++) begin(`reader ${i}`, "192.0.2.1");

  expect(failures("ada", "192.0.2.1")).toBe(0);
  expect(failures("ada", "192.0.2.2")).toBe(10);
  pass(30_000);
  expect(failures("grace", "192.0.2.1")).toBe(1);
});

test("takes fifty for one account from all addresses together, then one each minute", () => {
  const { failures, pass } = startLimits();
  for (let i = 0; i < 5; i++) expect(failures("ada", `192.0.2.${i}`)).toBe(10);

  expect(failures("ada", "198.51.100.1")).toBe(0);
  expect(failures("grace", "198.51.100.1")).toBe(10);
  pass(60_000);
  expect(failures("ada", "198.51.100.1")).toBe(1);
});

test("lets no guesses from elsewhere keep a user out who has signed in from an address", () => {
  const { failures } = startLimits();
  for (let i = 0; i < 100; i++) failures("ada", `192.0.2.${i}`);
  for (let i = 0; i < 30; i++) failures(`reader ${i}`, "198.51.100.1");

  expect(failures("ada", "198.51.100.1", true)).toBe(10);
});

test("takes no account of what a known address fails at when others are judged", () => {
  const { failures } = startLimits();
  for (let i = 0; i < 20; i++) failures("ada", `192.0.2.${i}`, true);

  expect(failures("ada", "198.51.100.1")).toBe(10);
});

test("counts attempts that have not ended yet", () => {
  const { begin, failures } = startLimits();
  const attempts = Array.from({ length: 10 }, () => begin("ada", "192.0.2.1"));
  expect(failures("ada", "192.0.2.1")).toBe(0);

  attempts[0]?.abandoned();
  expect(failures("ada", "192.0.2.1")).toBe(1);
});

test("forgets the failed ones of an account and an address when the password was right, and no others", () => {
  const { begin, failures } = startLimits();
  for (let i = 0; i < 9; i++) begin("ada", "192.0.2.1");

  begin("ada", "192.0.2.1").succeeded();

  expect(failures("ada", "192.0.2.1")).toBe(10);
  expect(failures("grace", "192.0.2.1")).toBe(10);
  // Nine, ten and ten before: a right password for one account buys no guesses at others.
  expect(failures("linus", "192.0.2.1")).toBe(1);
});

test("takes three hundred right passwords from one address, then one each three seconds", () => {
  const { begin, failures, pass } = startLimits();
  for (let i = 0; i < 300; i++) begin("ada", "192.0.2.1", true).succeeded();

  expect(failures("ada", "192.0.2.1", true)).toBe(0);
  expect(failures("ada", "192.0.2.2", true)).toBe(10);
  pass(3_000);
  expect(failures("ada", "192.0.2.1", true)).toBe(1);
});

test("remembers no more keys than it may, the newest", () => {
  const { failures } = startLimits({ mostKeys: 5 });
  for (let i = 0; i < 5; i++) failures("ada", `192.0.2.${i}`);
  expect(failures("ada", "192.0.2.4")).toBe(0);
  expect(failures("grace", "192.0.2.4")).toBe(10);
  expect(failures("ada", "192.0.2.0", true)).toBe(10);
});

test("forgets what is over, so that it does not grow", () => {
  const { limits, begin, pass } = startLimits();
  for (let i = 0; i < 10_000; i++) {
    begin(`reader ${i}`, `2001:db8:0:${i.toString(16)}::/64`);
    pass(30_000);
  }

  expect(limits.size).toBeLessThan(10);
});

test("tells who is known, who is new, and who has failed lately", () => {
  const { begin, pass } = startLimits();
  expect(begin("ada", "192.0.2.1").standing).toBe("new");
  expect(begin("ada", "192.0.2.2", true).standing).toBe("known");
  expect(begin("grace", "192.0.2.1").standing).toBe("failed");

  pass(60_000);
  const attempt = begin("ada", "192.0.2.1");
  expect(attempt.standing).toBe("new");
  attempt.succeeded();
  expect(begin("ada", "192.0.2.1").standing).toBe("new");
});
