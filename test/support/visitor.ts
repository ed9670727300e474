/** A visitor of the storefront who has no browser: keeps cookies, sends the forms of pages, follows nothing by itself. */
export class Visitor {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** A page, or the answer to a form. */
  async visit(path: string, fields?: Readonly<Record<string, string>>): Promise<Visited> {
    const form = fields && { method: "POST", body: new URLSearchParams(fields) };
    const answer = await fetch(this.#origin + path, { ...form, headers: this.#headers(), redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return { status: answer.status, location: answer.headers.get("location") ?? "", text: textOf(await answer.text()) };
  }

  /** Fills in a form of a page as it stands there, what is hidden included, and sends it. */
  async send(page: Visited, action: string, fields: Readonly<Record<string, string>> = {}): Promise<Visited> {
    const [form] = new RegExp(`<form[^>]* action="${action}".*?</form>`, "s").exec(page.text) ?? [];
    if (form === undefined) throw new Error(`the page has no form for ${action}`);
    const hidden = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
    return this.visit(action, { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields });
  }

  /** What a stream of server-sent events says. Leave it by `break`. */
  async *events(path: string): AsyncGenerator<Record<string, unknown>> {
    const answer = await fetch(this.#origin + path, { headers: this.#headers() });
    let text = "";
    for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data !== undefined) yield JSON.parse(data);
      }
    }
  }

  #headers(): Record<string, string> {
    return { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
  }
}

export interface Visited {
  readonly status: number;
  /** Where it leads. Empty if nowhere. */
  readonly location: string;
  /** With its character references read. */
  readonly text: string;
}

function textOf(page: string): string {
  return page.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
}
