import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Shop } from "./support/shop.ts";

const BUF = fileURLToPath(new URL("../node_modules/.bin/buf", import.meta.url));

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.open();
}, 60_000);
afterAll(() => shop?.[Symbol.asyncDispose]());

/** `buf curl` against one server of the shop, as the operator, knowing nothing of its contracts. */
async function curl(server: string, method: string, ...args: string[]): Promise<string> {
  const file = (name: string) => join(shop.data, "credentials", "operator", name);
  const identity = ["--cacert", file("ca.crt"), "--cert", file("tls.crt"), "--key", file("tls.key")];
  const flags = ["curl", "--protocol", "grpc", ...identity, ...args];
  const { stdout } = await promisify(execFile)(BUF, [...flags, `https://${shop.grpc[server]}${method}`]);
  return stdout;
}

const EVENT_LOG = "bookstore.events.v1.EventLogService";
const EVENT_CONSUMER = "bookstore.events.v1.EventConsumerService";

test.each([
  ["register", ["bookstore.register.v1.RegisterService", "bookstore.register.v1.SessionService", EVENT_LOG]],
  ["marketplace", ["bookstore.marketplace.v1.MarketplaceService"]],
  ["push", ["bookstore.push.v1.PushService", EVENT_CONSUMER]],
  ["recommendations", ["Recommendations", "bookstore.recommendations.v1.RecommendationsService", EVENT_CONSUMER]],
  [
    "orders",
    ["CartService", "GuestCartService", "OrdersService", "PromotionService", "StockService"]
      .map((name) => `bookstore.orders.v1.${name}`)
      .concat(EVENT_LOG, EVENT_CONSUMER),
  ],
  ["reviews", ["bookstore.reviews.v1.ReviewsService", EVENT_LOG, EVENT_CONSUMER]],
  ["documents", ["bookstore.documents.v1.DocumentsService", "bookstore.documents.v1.UploadService", EVENT_CONSUMER]],
])("an operator learns by reflection which services %s has", async (server, services) => {
  const listed = (await curl(server, "", "--list-services")).trim().split("\n");

  expect(listed.toSorted()).toEqual(
    [
      ...services,
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ].toSorted(),
  );
});

test.each([
  ["register", "/bookstore.register.v1.RegisterService/CheckRegistered", { user_id: "7000000" }, {}],
  ["marketplace", "/bookstore.marketplace.v1.MarketplaceService/GetBook", { book_id: 5 }, { book: { title: "Ender's Game" } }],
  [
    "recommendations",
    "/bookstore.recommendations.v1.RecommendationsService/Recommend",
    { category: "BOOK_CATEGORY_MYSTERY", max_results: 1 },
    { recommendations: [{ book: { category: "BOOK_CATEGORY_MYSTERY" } }] },
  ],
  [
    "recommendations",
    "/Recommendations/Recommend",
    { category: "SCIENCE_FICTION", max_results: 3 },
    { recommendations: expect.arrayContaining([{ id: 4, title: "The Hitchhiker's Guide to the Galaxy" }]) },
  ],
  ["push", "/grpc.health.v1.Health/Check", {}, { status: "SERVING" }],
])("an operator calls %s %s by reflection", async (server, method, request, response) => {
  expect(JSON.parse(await curl(server, method, "--data", JSON.stringify(request)))).toMatchObject(response);
});
