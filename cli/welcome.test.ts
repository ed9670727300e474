import { placementsOf } from "./placement.ts";
import { services } from "./services.ts";
import { offerOf, welcome } from "./welcome.ts";

test("says where everything is, and how to call it", () => {
  expect(welcome(offerOf(placementsOf(services, { RECOMMENDATIONS_PORT: "6051" })), 1_234)).toBe(`
ready in 1234 ms

  storefront       http://127.0.0.1:5000
  register         127.0.0.1:50053  (gRPC)
  marketplace      127.0.0.1:50052  (gRPC)
  recommendations  127.0.0.1:6051   (gRPC)
  push             127.0.0.1:50054  (gRPC)

  Ask for three mysteries:

  grpcurl -plaintext -d '{"category":"BOOK_CATEGORY_MYSTERY","max_results":3}' 127.0.0.1:6051 bookstore.recommendations.v1.RecommendationsService/Recommend

  Ctrl-C stops everything.

`);
});
