import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";

/** A browser of a test: it keeps cookies and sends them, and follows no redirect by itself. */
export class TestBrowser {
  /** What it sends, by name. A test may tamper with it. */
  readonly cookies = new Map<string, string>();
  /** Every Set-Cookie that it was sent. */
  readonly setCookies: string[] = [];
  readonly #shop: FastifyInstance;

  constructor(shop: FastifyInstance) {
    this.#shop = shop;
  }

  get(url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    return this.#send({ method: "GET", url, headers });
  }

  /** Sends a form, as from a page of the shop. */
  post(url: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    const type = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
    return this.#send({ method: "POST", url, headers: { ...type, ...headers }, payload: new URLSearchParams(fields).toString() });
  }

  async #send(options: InjectOptions): Promise<LightMyRequestResponse> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(cookie === "" ? {} : { cookie }), ...options.headers };
    const answer = await this.#shop.inject({ ...options, headers });
    for (const line of [answer.headers["set-cookie"] ?? []].flat()) {
      this.setCookies.push(line);
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/; Max-Age=0;/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }
}

/** The page of an answer, with its character references read. */
export function unescaped({ body }: { body: string }): string {
  return body.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
}
