import { createServer, type Socket } from "node:net";
import { Status } from "nice-grpc";
import { type RegisterClient, registerClient } from "../../clients/register.ts";
import { createLogger } from "../../runtime/logger.ts";
import { calledBy, type OrdersUnderTest, startOrders } from "../../test/support/orders.ts";
import { openPlaintextChannel, plaintext } from "../../test/support/plaintext.ts";
import { startRegister } from "../../test/support/service.ts";
import { buy, fillCart, purchaseOf, refusal, told } from "./testing.ts";

const LI = "7434029";

/** A client of register, as it is reached at an address. */
function registerAt(address: string) {
  const channel = openPlaintextChannel(address);
  const client = registerClient(channel, createLogger({ name: "test", level: "silent" }));
  return { client, [Symbol.dispose]: () => channel.close() };
}

/** A server that takes connections and never says anything. */
async function silentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function expectNothingWritten(orders: OrdersUnderTest) {
  expect((await orders.client.listOrders({ userId: LI })).orders).toEqual([]);
  expect(await orders.store.db.selectFrom("stock").selectAll().execute()).toEqual([]);
  expect(await told(orders)).toEqual([]);
  const { cart } = await orders.client.getCart({ userId: LI });
  expect(cart?.quantity).toBe(1);
}

test("says NOT_FOUND to somebody who is not registered, and writes nothing", async () => {
  await using register = await startRegister({ credentials: plaintext("orders") });
  await using orders = await startOrders({ register: register.client });
  await fillCart(orders, LI, [[1, 1]]);

  await expect(buy(orders, LI)).rejects.toMatchObject(refusal(Status.NOT_FOUND, "USER_NOT_REGISTERED"));

  await expectNothingWritten(orders);
});

test("says UNAVAILABLE while register is away, writes nothing, and sells when it is back", async () => {
  const gone = await startRegister({ credentials: plaintext("orders") });
  await gone[Symbol.asyncDispose]();
  using lost = registerAt(gone.address);
  await using back = await startRegister({ credentials: plaintext("orders"), randomInt: () => Number(LI) });
  const li = { email: "li@example.com", name: "Li", language: "", country: "" };
  await back.client.register(li, { metadata: calledBy("gateway") });
  let register: RegisterClient = lost.client;
  const { listUserIds } = back.client;
  await using orders = await startOrders({
    register: { listUserIds, checkRegistered: (...args) => register.checkRegistered(...args) },
  });
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);

  await expect(orders.client.placeOrder(purchase)).rejects.toMatchObject({ code: Status.UNAVAILABLE });
  await expectNothingWritten(orders);

  register = back.client;
  await expect(orders.client.placeOrder(purchase)).resolves.toMatchObject({ order: { userId: LI } });
});

test("says DEADLINE_EXCEEDED, in the caller's time, while register is slow, and writes nothing", async () => {
  using silent = await silentServer();
  using register = registerAt(silent.address);
  await using orders = await startOrders({ register: register.client });
  await fillCart(orders, LI, [[1, 1]]);
  const purchase = await purchaseOf(orders, LI);
  const begun = performance.now();

  const placed = orders.client.placeOrder(purchase, { deadlineMs: 300 });

  await expect(placed).rejects.toMatchObject({ code: Status.DEADLINE_EXCEEDED });
  expect(performance.now() - begun).toBeLessThan(2_000);
  await expectNothingWritten(orders);
});
