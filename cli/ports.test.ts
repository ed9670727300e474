import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type Placement, placementsOf } from "./placement.ts";
import { claimPorts } from "./ports.ts";
import type { Service } from "./services.ts";

const table: Service[] = [
  { name: "back", main: "", ports: { PORT: 0, ADMIN_PORT: 0 }, stage: 0 },
  { name: "front", main: "", ports: { PORT: 0, ADMIN_PORT: 0 }, stage: 1 },
];

function portsIn(placements: readonly Placement[]): number[] {
  return placements.flatMap(({ ports }) => Object.values(ports));
}

test("chooses a different free port for every 0", async () => {
  const ports = portsIn(await claimPorts(placementsOf(table, {})));

  expect(new Set(ports).size).toBe(4);
  expect(ports).not.toContain(0);
});

test("leaves the ports free for the services", async () => {
  const placements = await claimPorts(placementsOf(table, {}));

  await expect(claimPorts(placements)).resolves.toEqual(placements);
});

test("names each port that is taken, its service and its setting", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;

  await expect(claimPorts(placementsOf(table, { FRONT_ADMIN_PORT: String(port) }))).rejects.toThrow(
    `port ${port} is taken (front): stop what uses it or choose another with FRONT_ADMIN_PORT`,
  );
  taken.close();
});

test("says when an address is not one of this machine", async () => {
  // 192.0.2.0/24 is for documentation: no machine has it.
  await expect(claimPorts(placementsOf(table, { BACK_HOST: "192.0.2.1" }))).rejects.toThrow(
    "192.0.2.1 is not an address of this machine (back): choose another with BACK_HOST",
  );
});
