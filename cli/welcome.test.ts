import { placementsOf } from "./placement.ts";
import { parseReplicas } from "./replicas.ts";
import { services } from "./services.ts";
import { offerOf, welcome } from "./welcome.ts";

test("says where everything is, and how to call it", () => {
  expect(welcome(offerOf(placementsOf(services, { RECOMMENDATIONS_PORT: "6051" }), "/data/operator"), 1_234)).toBe(`
ready in 1234 ms

  storefront       http://127.0.0.1:5000
  dashboard        http://127.0.0.1:8500
  registry         127.0.0.1:50050  (gRPC)
  register         127.0.0.1:50053  (gRPC)
  marketplace      127.0.0.1:50052  (gRPC)
  recommendations  127.0.0.1:6051   (gRPC)
  push             127.0.0.1:50054  (gRPC)
  orders           127.0.0.1:50055  (gRPC)
  reviews          127.0.0.1:50056  (gRPC)
  documents        127.0.0.1:50057  (gRPC)

  Ask for three mysteries:

  grpcurl -cacert /data/operator/ca.crt -cert /data/operator/tls.crt -key /data/operator/tls.key -d '{"category":"BOOK_CATEGORY_MYSTERY","max_results":3}' 127.0.0.1:6051 bookstore.recommendations.v1.RecommendationsService/Recommend

  Ctrl-C stops everything.

`);
});

test("lists the page of the registry, and every process", () => {
  const table = services.filter(({ name }) => name === "registry" || name === "push");
  const offer = offerOf(placementsOf(table, {}, parseReplicas(["registry=2"], table)), "");

  expect(welcome(offer, 1_234)).toBe(`
ready in 1234 ms

  dashboard   http://127.0.0.1:8500
  registry    127.0.0.1:50050  (gRPC)
  registry-2  127.0.0.1:0      (gRPC)
  push        127.0.0.1:50054  (gRPC)

  Ctrl-C stops everything.

`);
});
