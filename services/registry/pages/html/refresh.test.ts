import type { Browser, Page } from "playwright-core";
import { RegistryState } from "../../../../gen/mesh/registry/v1/registry_service.ts";
import { launchBrowser } from "../../../../test/support/browser.ts";
import { GONE, instance, openPages, service } from "../testing.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
}, 60_000);
afterAll(() => browser?.close());

/** A page that shows the services which are in `names` at that time. */
async function visit(names: string[], look: (page: Page, complaints: string[], stop: () => Promise<void>) => Promise<void>) {
  await using server = await openPages({
    registry: () => RegistryState.fromPartial({ id: "registry-0", description: "x".repeat(200) }),
    services: () => names.map((name) => service(name, { instances: [instance(1), instance(2, GONE)] })),
  });
  const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(server.origin);
    await look(page, complaints, async () => {
      server.app.server.closeAllConnections();
      await server.app.close();
    });
  } finally {
    await context.close();
  }
}

test("shows what is new by itself, and keeps the place of who uses the keyboard", async () => {
  const names = ["orders"];
  await visit(names, async (page, complaints) => {
    await page.getByRole("link", { name: /^orders/ }).focus();
    names.push("users");

    await page.getByRole("heading", { name: "users" }).waitFor();

    expect(await page.locator(":focus").textContent()).toContain("orders");
    expect(await page.getByRole("status").textContent()).toBe("Live");
    expect(complaints).toEqual([]);
  });
});

test("stays as it is while it is paused", async () => {
  const names = ["orders"];
  await visit(names, async (page) => {
    await page.getByRole("button", { name: "Pause" }).click();
    names.push("users");
    expect(await page.getByRole("status").textContent()).toBe("Paused");
    expect(await page.getByRole("heading", { name: "users" }).count()).toBe(0);

    await page.getByRole("button", { name: "Go on" }).click();

    await page.getByRole("heading", { name: "users" }).waitFor();
    expect(await page.getByRole("status").textContent()).toBe("Live");
  });
});

test("says that the registry does not answer, and keeps what it said last", async () => {
  await visit(["orders"], async (page, _complaints, stop) => {
    await stop();

    await page.getByText("The registry does not answer.").waitFor();

    expect(await page.getByRole("heading", { name: "orders" }).count()).toBe(1);
  });
});

test("fits on a phone without scrolling sideways, and its tables are still tables", async () => {
  await visit([`orders-${"x".repeat(56)}`], async (page) => {
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    expect(await page.getByRole("table").count()).toBe(1);
    expect(await page.getByRole("row").count()).toBe(3);
    expect(await page.getByRole("columnheader", { includeHidden: true }).count()).toBe(9);
  });
});
