// `npm run docs:picture`: takes the picture of the storefront that the README shows, from the real shop.
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../test/support/browser.ts";
import { Shop } from "../test/support/shop.ts";

await using shop = await Shop.open();
const browser = await launchBrowser();
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
await page.goto(shop.storefront, { waitUntil: "networkidle" });
await page.screenshot({ path: fileURLToPath(new URL("../docs/storefront.png", import.meta.url)) });
await browser.close();
