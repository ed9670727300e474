import { startMarketplace, startRegister } from "../../../test/support/service.ts";
import { openShop } from "./testing.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const ADA = "name=Ada&email=ada%40example.com&password=correct+horse";

test("passes the trace of a page on to the calls that are made for it", async () => {
  await using marketplace = await startMarketplace();
  await using register = await startRegister();
  await using shop = await openShop(marketplace, { register: register.client });
  const address = await shop.listen({ host: "127.0.0.1", port: 0 });

  const { status } = await fetch(`${address}/register`, {
    method: "POST",
    redirect: "manual",
    headers: { traceparent: TRACEPARENT, "content-type": "application/x-www-form-urlencoded" },
    body: ADA,
  });

  expect(status).toBe(303);
  expect(await register.logs.find({ msg: "call finished" })).toMatchObject({ trace_id: TRACE_ID });
  expect(await marketplace.logs.find({ msg: "page served" })).toMatchObject({
    ...{ path: "POST /register", status: 303, trace_id: TRACE_ID, peer: "127.0.0.1" },
    durationMs: expect.any(Number),
  });
});

test("starts a trace for a page that comes without one", async () => {
  await using marketplace = await startMarketplace();
  await using register = await startRegister();
  await using shop = await openShop(marketplace, { register: register.client });
  const headers = { "content-type": "application/x-www-form-urlencoded" };

  await shop.inject({ method: "POST", url: "/register", headers, payload: ADA });

  const page = await marketplace.logs.find({ msg: "page served" });
  expect(page.trace_id).toMatch(/^[0-9a-f]{32}$/);
  expect(await register.logs.find({ msg: "call finished" })).toMatchObject({ trace_id: page.trace_id });
});

test("writes the route to the log, not the address with what somebody searched for", async () => {
  await using marketplace = await startMarketplace();
  await using shop = await openShop(marketplace);

  await shop.inject("/search?q=my+secret+illness");
  await shop.inject("/no/such/secret");

  const pages = marketplace.logs.with({ msg: "page served" });
  expect(pages.map(({ path, status }) => [path, status])).toEqual([
    ["GET /search", 200],
    ["GET (no route)", 404],
  ]);
  expect(JSON.stringify(marketplace.logs.all)).not.toContain("secret");
});
