import { stripVTControlCharacters } from "node:util";
import { NOW, told } from "./fixtures/mesh.ts";
import { onlyService, statusDocument } from "./status-document.ts";
import { statusText } from "./status-text.ts";

const document = statusDocument(told, "127.0.0.1:50050");
const plain = { colour: false, now: NOW };

test("shows instances, rules, calls and clients, and above all what was refused", () => {
  expect(statusText(document, plain)).toBe(
    String.raw`Registry registry at 127.0.0.1:50050, up for 2 h

REFUSED by python-1 (external): RouteConfiguration version 7 30 s ago: no such cluster

SERVICE          INSTANCE           ADDRESS          VERSION  ZONE  HEALTH               CALLS/S  FAILED      P95  IN FLIGHT  CALLERS
marketplace      marketplace-1      [::1]:50052                     unhealthy 1 s ago                                         in, PANIC: no instance is healthy (the store does not answer)
orders                                                                                                                        none: it has no instance
recommendations  recommendations-a  127.0.0.1:50051  v1       west  healthy 2 s ago         40.0    7.5%   250 ms          3  in
                 recommendations-b  127.0.0.1:41001  v2       west  healthy 3 min ago       10.0   50.0%  99.4 ms          0  in
                 recommendations-c  127.0.0.1:41002  v1             healthy                                                   out: ejected
                 recommendations-d  127.0.0.1:41003  v1             unavailable 3 s ago      0.0                           0  out: connect ECONNREFUSED\u001b[2J
                 recommendations-e  127.0.0.1:41004                 unknown                                                   out: unknown

SERVICE          TRAFFIC RULES
recommendations  split v1 90% v2 10%
                 fault 20%: delay 200 ms, abort UNAVAILABLE
                 balance ring-hash by the header x-user-id
                 ejected recommendations-c

CALLER       CALLS                                             CALLS/S  FAILED   MEAN      P95
marketplace  recommendations RecommendationsService/Recommend     40.0   20.0%  20 ms  99.4 ms
unknown      recommendations RecommendationsService/Recommend     10.0    0.0%  30 ms   250 ms

2 xDS clients, 1 refuses an update, see above.
`,
  );
});

test("says the same in colour", () => {
  const coloured = statusText(document, { ...plain, colour: true });

  expect(coloured).toContain("\u001b[31m\u001b[1mREFUSED");
  expect(stripVTControlCharacters(coloured)).toBe(statusText(document, plain));
});

test("does not let an instance steer the terminal", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about.
  expect(statusText(document, plain)).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

test("leaves out what there is nothing to say about", () => {
  const quiet = { ...onlyService(document, "orders"), clients: [] };

  expect(statusText(quiet, plain)).toBe(`Registry registry at 127.0.0.1:50050, up for 2 h

SERVICE  CALLERS
orders   none: it has no instance

No xDS client is connected.
`);
  expect(statusText({ ...quiet, services: [] }, plain)).toContain("\nNo service is registered.\n");
});

test("shows the ten busiest calls", () => {
  const [call] = document.calls;
  if (call === undefined) throw new Error("no call");
  const calls = Array.from({ length: 12 }, (_, index) => ({ ...call, caller: `caller-${index}` }));

  const text = statusText({ ...document, calls }, plain);

  expect(text.match(/^caller-/gm)).toHaveLength(10);
});

test.each([
  [0, "0 s"],
  [-5, "0 s"],
  [119, "119 s"],
  [120, "2 min"],
  [7_200, "2 h"],
  [172_800, "2 d"],
])("says of a registry that began %d s ago that it is up for %s", (seconds, expected) => {
  const registry = { ...document.registry, startTime: new Date(NOW.getTime() - seconds * 1_000).toISOString() };

  expect(statusText({ ...document, registry }, plain)).toMatch(new RegExp(`up for ${expected}\n`));
});
