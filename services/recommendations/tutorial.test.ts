import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { createClient, Status } from "nice-grpc";
import { BookCategory, RecommendationsDefinition } from "../../gen/recommendations.ts";
import { clientFactory } from "../../interceptors/client/chain.ts";
import { openPlaintextChannel } from "../../test/support/plaintext.ts";
import { frame, rawCall } from "../../test/support/raw-call.ts";
import { startService } from "../../test/support/service.ts";
import { tutorialHandler } from "./handler.ts";

const { MYSTERY, SCIENCE_FICTION, SELF_HELP } = BookCategory;

/** The contract of the tutorial, as it stands there. */
const TUTORIAL_PROTO = `
syntax = "proto3";
enum BookCategory { MYSTERY = 0; SCIENCE_FICTION = 1; SELF_HELP = 2; }
message RecommendationRequest { int32 user_id = 1; BookCategory category = 2; int32 max_results = 3; }
message BookRecommendation { int32 id = 1; string title = 2; }
message RecommendationResponse { repeated BookRecommendation recommendations = 1; }
service Recommendations { rpc Recommend (RecommendationRequest) returns (RecommendationResponse); }
`;

const start = (random = Math.random) =>
  startService({
    add: (server) => server.add(RecommendationsDefinition, tutorialHandler(random)),
    client: (channel, logger) => clientFactory({ logger }).create(RecommendationsDefinition, channel),
  });

/** A client that knows nothing but the text of the tutorial's contract. */
function tutorialClient(address: string) {
  const folder = mkdtempSync(join(tmpdir(), "bookmesh-test-"));
  writeFileSync(join(folder, "recommendations.proto"), TUTORIAL_PROTO);
  const loaded = loadPackageDefinition(loadSync("recommendations.proto", { includeDirs: [folder], keepCase: true }));
  rmSync(folder, { recursive: true });
  const client = new (loaded.Recommendations as ServiceClientConstructor)(address, credentials.createInsecure());
  return {
    recommend: (request: object): Promise<unknown> =>
      new Promise((resolve, reject) => {
        client.Recommend?.(request, (error: Error | null, response: unknown) => (error ? reject(error) : resolve(response)));
      }),
    [Symbol.dispose]: () => Client.prototype.close.call(client),
  };
}

test("answers a client of the tutorial's own contract", async () => {
  await using service = await start();
  using client = tutorialClient(service.address);

  expect(await client.recommend({ user_id: 1, category: "SCIENCE_FICTION", max_results: 3 })).toEqual({
    recommendations: expect.arrayContaining([
      { id: 4, title: "The Hitchhiker's Guide to the Galaxy" },
      { id: 5, title: "Ender's Game" },
      { id: 6, title: "The Dune Chronicles" },
    ]),
  });
  await expect(client.recommend({ category: 7, max_results: 3 })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: "Category not found",
  });
  await expect(client.recommend({ max_results: -1 })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
});

test("takes and gives the very bytes of the tutorial's contract", async () => {
  await using service = await start(() => 0);

  // user_id 1, category SCIENCE_FICTION, max_results 2.
  const request = Uint8Array.of(0x08, 0x01, 0x10, 0x01, 0x18, 0x02);
  const answer = await rawCall({ port: service.port, path: "/Recommendations/Recommend", body: [frame(request)] });

  const book = (id: number, title: string) =>
    Buffer.concat([Buffer.from([0x0a, title.length + 4, 0x08, id, 0x12, title.length]), Buffer.from(title)]);
  const titles = [book(4, "The Hitchhiker's Guide to the Galaxy"), book(5, "Ender's Game")];
  expect(answer.status).toBe(Status.OK);
  expect(answer.body).toEqual(frame(Buffer.concat(titles)));
});

test.each([
  ["MYSTERY", MYSTERY, ["The Maltese Falcon", "Murder on the Orient Express", "The Hound of the Baskervilles"]],
  ["SCIENCE_FICTION", SCIENCE_FICTION, ["The Hitchhiker's Guide to the Galaxy", "Ender's Game", "The Dune Chronicles"]],
  [
    "SELF_HELP",
    SELF_HELP,
    ["The 7 Habits of Highly Effective People", "How to Win Friends and Influence People", "Man's Search for Meaning"],
  ],
])("has the three books of %s under their numbers", async (_name, category, titles) => {
  await using service = await start();

  const { recommendations } = await service.client.recommend({ userId: 1, category, maxResults: 10 });

  const byId = recommendations.sort((a, b) => a.id - b.id);
  expect(byId).toEqual(titles.map((title, i) => ({ id: category * 3 + i + 1, title })));
});

test("gives ids 4, 5 and 6 in any order for three of science fiction", async () => {
  await using service = await start();

  const { recommendations } = await service.client.recommend({ userId: 1, category: SCIENCE_FICTION, maxResults: 3 });

  expect(new Set(recommendations.map(({ id }) => id))).toEqual(new Set([4, 5, 6]));
});

test("takes an unset category for MYSTERY and an unset max_results for none", async () => {
  await using service = await start();

  const { recommendations } = await service.client.recommend({ maxResults: 3 });
  expect(new Set(recommendations.map(({ id }) => id))).toEqual(new Set([1, 2, 3]));
  expect(await service.client.recommend({ category: SELF_HELP })).toEqual({ recommendations: [] });
  expect(await service.client.recommend({})).toEqual({ recommendations: [] });
});

test("recommends one mystery when one is asked for", async () => {
  await using service = await start();

  const { recommendations } = await service.client.recommend({ userId: 1, category: MYSTERY, maxResults: 1 });

  expect(recommendations).toHaveLength(1);
});

test.each([7, 3, -1])("says NOT_FOUND for the unknown category %d", async (category) => {
  await using service = await start();

  await expect(service.client.recommend({ category: category as never, maxResults: 3 })).rejects.toMatchObject({
    code: Status.NOT_FOUND,
    details: "Category not found",
  });
});

test.each([-1, -2_147_483_648])("says INVALID_ARGUMENT for max_results %d", async (maxResults) => {
  await using service = await start();

  await expect(service.client.recommend({ category: MYSTERY, maxResults })).rejects.toMatchObject({
    code: Status.INVALID_ARGUMENT,
    violations: [{ field: "max_results", description: "must be at least 0" }],
  });
});

test("neither compiles nor sends a word where the contract has a number", async () => {
  await using service = await start();

  // @ts-expect-error: user_id is an int32.
  await expect(service.client.recommend({ userId: "oops", maxResults: 3 })).rejects.toThrow("invalid int32");
  expect(service.logs.with({ msg: "call finished" })).toEqual([]);
});

test("says UNAVAILABLE where no server is", async () => {
  const { address, ...gone } = await start();
  await gone[Symbol.asyncDispose]();
  const channel = openPlaintextChannel(address);

  await expect(createClient(RecommendationsDefinition, channel).recommend({ maxResults: 3 })).rejects.toMatchObject({
    code: Status.UNAVAILABLE,
  });
  channel.close();
});
