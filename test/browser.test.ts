import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser } from "./support/browser.ts";
import { Shop } from "./support/shop.ts";

const DESKTOP = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 360, height: 740 } };
const PAGES = [
  "/",
  "/books",
  "/categories/science-fiction",
  "/search?q=les+miserables",
  "/books/3",
  "/register",
  "/sign-in",
  "/cart",
  "/no-such-page",
];

let shop: Shop;
let browser: Browser;
beforeAll(async () => {
  [shop, browser] = await Promise.all([Shop.open(), launchBrowser()]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await shop?.[Symbol.asyncDispose]();
});

/** Opens a page as a person with such a screen would, and collects what the browser complains about. */
async function visit<T>(
  path: string,
  options: BrowserContextOptions,
  look: (page: Page, complaints: string[]) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
    await page.goto(shop.storefront + path, { waitUntil: "load" });
    return await look(page, complaints);
  } finally {
    await context.close();
  }
}

test.each(PAGES)("the browser finds nothing to complain about on %s", async (path) => {
  const complaints = await visit(path, DESKTOP, async (_page, found) => found);

  expect(complaints.filter((complaint) => !/status of 404/.test(complaint))).toEqual([]);
});

test.each(PAGES)("%s fits on a phone without scrolling sideways", async (path) => {
  const width = await visit(path, PHONE, (page) => page.evaluate("document.documentElement.scrollWidth"));

  expect(width).toBeLessThanOrEqual(360);
});

test("the front page shows three mysteries with their covers", async () => {
  await visit("/", DESKTOP, async (page) => {
    expect(await page.title()).toBe("Online Books For You");
    expect(await page.getByRole("listitem").count()).toBe(3);
    const drawn = await page
      .locator(".picks img")
      .evaluateAll((images) => images.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth));
    expect(drawn).toEqual([240, 240, 240]);
  });
});

test("a reader with only a keyboard skips to the books, searches and opens one", async () => {
  await visit("/", DESKTOP, async (page) => {
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Skip to the books");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("garcia marquez");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/search\?q=garcia\+marquez/);
    await page.getByRole("link", { name: "One Hundred Years of Solitude" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/books\/\d+$/);

    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("One Hundred Years of Solitude");
    expect(await page.textContent("main")).toContain("Gabriel García Márquez");
  });
});

test("without JavaScript a reader browses a shelf page by page and registers", async () => {
  await visit("/", { ...PHONE, javaScriptEnabled: false }, async (page) => {
    await page.getByRole("link", { name: /Science fiction/ }).click();
    expect(await page.locator(".card").count()).toBe(24);
    await page.getByRole("link", { name: "Next page" }).click();
    await page.waitForURL(/page=/);
    expect(await page.locator(".card").count()).toBe(17);

    await page.getByRole("link", { name: "Register" }).click();
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("E-mail").fill("not an address");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Create my account" }).click();
    expect(await page.getByRole("alert").textContent()).toBe("Please look at the marked fields.");
    expect(await page.getByLabel("Name").inputValue()).toBe("Ada");
    expect(await page.getByLabel("Password").inputValue()).toBe("");
    expect(await page.getByText("E-mail must be an e-mail address.").isVisible()).toBe(true);

    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Password").fill("long enough");
    await page.getByRole("button", { name: "Create my account" }).click();
    await page.waitForURL(/\/welcome$/);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Welcome");
  });
});

test("everything that can be pressed on a phone is large enough for a thumb", async () => {
  const heights = await visit("/register", PHONE, (page) =>
    page
      .locator("button, main input, main select")
      .evaluateAll((all) => all.map((one) => (one as unknown as { offsetHeight: number }).offsetHeight)),
  );

  // WCAG 2.2, target size (enhanced): 44 CSS pixels.
  expect(Math.min(...heights)).toBeGreaterThanOrEqual(44);
});

/** A visitor who has just registered with the page that leads on. */
async function register(page: Page, email: string): Promise<void> {
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("long enough");
  await page.getByRole("button", { name: "Create my account" }).click();
}

test("without JavaScript a guest on a phone fills a cart, registers at the checkout, is declined once, buys and calls it off", async () => {
  await visit("/books/1", { ...PHONE, javaScriptEnabled: false }, async (page) => {
    for (const book of ["/books/1", "/books/2", "/books/3"]) {
      await page.goto(shop.storefront + book);
      await page.locator("article.book").getByRole("button", { name: "to cart" }).click();
      await page.waitForURL(/\/cart\?done=added$/);
    }
    expect(await page.getByText("Buy two, get one free", { exact: true }).isVisible()).toBe(true);
    await page.getByRole("link", { name: "Check out" }).click();
    await page.getByRole("main").getByRole("link", { name: "Register" }).click();
    await register(page, "phone@example.com");
    await page.waitForURL(/\/checkout$/);
    await page.getByLabel("A card that is declined").check();
    await page.getByRole("button", { name: "Buy for" }).click();
    expect(await page.getByRole("alert").textContent()).toContain("The card was declined.");
    await page.getByLabel("A card that works").check();
    await page.getByRole("button", { name: "Buy for" }).click();
    await page.waitForURL(/\/orders\/[0-9a-f-]{36}$/);
    expect(await page.getByRole("status").textContent()).toContain("the books are yours");
    expect(await page.getByRole("banner").getByRole("link", { name: "Cart" }).textContent()).toBe("Cart");
    await page.getByRole("link", { name: "Call this order off" }).click();
    await page.getByRole("button", { name: "Call it off" }).click();
    await page.waitForURL(/\/orders\/[0-9a-f-]{36}$/);
    expect(await page.getByRole("status").textContent()).toContain("have your money back");
  });
});

test("a notification comes in while its page is open, and the browser finds nothing to complain about", async () => {
  await visit("/register", DESKTOP, async (page, complaints) => {
    await register(page, "live@example.com");
    await page.waitForURL(/\/welcome$/);
    await page.goto(`${shop.storefront}/notifications`);
    const other = await page.context().newPage();
    await other.goto(`${shop.storefront}/books/1`);
    await other.locator("article.book").getByRole("button", { name: "to cart" }).click();
    await other.getByRole("link", { name: "Check out" }).click();
    await other.getByRole("button", { name: "Buy for" }).click();
    await other.waitForURL(/\/orders\//);

    await page.locator(".notice").waitFor();

    expect(await page.locator("#unread .badge").textContent()).toBe("1 not read");
    expect(complaints).toEqual([]);
  });
});
