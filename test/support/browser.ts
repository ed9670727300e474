import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

/** Made for functions that open one page in one process; tests open several. */
const NOT_FOR_TESTS = new Set(["--single-process", "--no-zygote", "--disable-web-security", "--allow-running-insecure-content"]);

/** The browser that comes inside an npm package: nothing to install by hand. The caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({
    args: chromium.args.filter((argument) => !NOT_FOR_TESTS.has(argument)),
    executablePath: await chromium.executablePath(),
    headless: true,
  });
}
