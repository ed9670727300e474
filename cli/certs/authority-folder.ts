import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { tryLock } from "../lock.ts";
import type { KeyedCertificate } from "./authority.ts";
import { ifMissing, replaceDurably, syncFolder, writeDurably } from "./durable.ts";

const CERTIFICATE = "root.crt";
const KEY = "root.key";
const RECORD = "record.json";
const LOCK = "lock";
/** A root that was being made, or taken away, when a process was stopped. */
const UNFINISHED = /^\.(new|old)-\d+$/;

const LOCK_WITHIN_MS = 10_000;
const LOCK_AGAIN_MS = 20;

/** Thrown when the authority cannot be used. The message says what is wrong with it, and nothing of a key. */
export class AuthorityError extends Error {
  override readonly name = "AuthorityError";
}

/** What is known of a root besides its certificate. */
const recordSchema = z.object({
  /** Since when it signs, or from when on; nothing as long as some credentials do not trust it yet. */
  signsFrom: z.iso.datetime().optional(),
  /** When the last leaf expires that it has signed. */
  leavesUntil: z.iso.datetime().optional(),
});

export interface RootRecord {
  readonly signsFrom: Date | undefined;
  readonly leavesUntil: Date | undefined;
}

export interface StoredRoot extends RootRecord {
  /** 1 for the first root of a mesh, 2 for the one that takes its place. */
  readonly number: number;
  readonly certificatePem: string;
  readonly certificate: X509Certificate;
  /** Undefined when the root signs no more. */
  readonly keyPem: string | undefined;
}

/**
 * The roots of a mesh, in a folder that is its owner's alone: <number>/root.crt, root.key and record.json.
 *
 * Each change is one rename or one removal, so that the folder makes sense whenever a writer is stopped.
 */
export class AuthorityFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  get exists(): boolean {
    return existsSync(this.#path);
  }

  /**
   * Does something that no other process may do meanwhile. Makes the folder if need be.
   *
   * @throws AuthorityError if others do not finish within ten seconds, or a file cannot be read or written.
   */
  async locked<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      await mkdir(this.#path, { recursive: true, mode: 0o700 });
      const lock = await this.#lock();
      try {
        await this.#sweep();
        return await work();
      } finally {
        lock.release();
      }
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /**
   * The roots, oldest first.
   *
   * @throws AuthorityError if one of them is damaged.
   */
  async read(): Promise<StoredRoot[]> {
    const names = (await readdir(this.#path).catch(ifMissing)) ?? [];
    const numbers = names.filter((name) => /^\d+$/.test(name)).map(Number);
    const roots = await Promise.all(numbers.toSorted((a, b) => a - b).map((number) => this.#readRoot(number)));
    if (roots.length > 0 && roots.every(({ keyPem }) => keyPem === undefined)) {
      throw this.#damaged(`${this.#rootPath(roots.at(-1)?.number ?? 0)} has no ${KEY}`);
    }
    return roots;
  }

  /** @throws if there is a root of this number. */
  async add(number: number, root: KeyedCertificate, record: RootRecord): Promise<StoredRoot> {
    const unfinished = join(this.#path, `.new-${number}`);
    await mkdir(unfinished, { mode: 0o700 });
    await writeDurably(join(unfinished, CERTIFICATE), root.certificatePem, 0o644);
    await writeDurably(join(unfinished, KEY), root.keyPem, 0o600);
    await writeDurably(join(unfinished, RECORD), JSON.stringify(record), 0o644);
    await syncFolder(unfinished);
    await rename(unfinished, this.#rootPath(number));
    await syncFolder(this.#path);
    return await this.#readRoot(number);
  }

  async record(number: number, { signsFrom, leavesUntil }: RootRecord): Promise<void> {
    await replaceDurably(join(this.#rootPath(number), RECORD), JSON.stringify({ signsFrom, leavesUntil }), 0o644);
  }

  /** The root signs no more. It stays trusted. */
  async deleteKey(number: number): Promise<void> {
    await rm(join(this.#rootPath(number), KEY), { force: true });
    await syncFolder(this.#rootPath(number));
  }

  /** The root is trusted no more. */
  async remove(number: number): Promise<void> {
    const old = join(this.#path, `.old-${number}`);
    await rename(this.#rootPath(number), old);
    await syncFolder(this.#path);
    await rm(old, { recursive: true, force: true });
  }

  async #sweep(): Promise<void> {
    const unfinished = (await readdir(this.#path)).filter((name) => UNFINISHED.test(name));
    for (const name of unfinished) await rm(join(this.#path, name), { recursive: true, force: true });
  }

  async #readRoot(number: number): Promise<StoredRoot> {
    const path = this.#rootPath(number);
    const [certificatePem, keyPem, recordJson] = await Promise.all(
      [CERTIFICATE, KEY, RECORD].map((name) => readFile(join(path, name), "utf8").catch(ifMissing)),
    );
    const certificate = this.#parse(join(path, CERTIFICATE), () => new X509Certificate(certificatePem ?? ""));
    if (keyPem !== undefined) {
      const key = this.#parse(join(path, KEY), () => createPrivateKey(keyPem));
      if (!certificate.checkPrivateKey(key)) throw this.#damaged(`${join(path, KEY)} is not the key of ${CERTIFICATE}`);
    }
    const record = this.#parse(join(path, RECORD), () => recordSchema.parse(JSON.parse(recordJson ?? "")));
    const date = (text: string | undefined) => (text === undefined ? undefined : new Date(text));
    return {
      ...{ number, certificate, keyPem, certificatePem: certificatePem ?? "" },
      ...{ signsFrom: date(record.signsFrom), leavesUntil: date(record.leavesUntil) },
    };
  }

  #parse<Result>(path: string, parse: () => Result): Result {
    try {
      return parse();
    } catch {
      throw this.#damaged(`${path} ${existsSync(path) ? "is damaged" : "is missing"}`);
    }
  }

  #damaged(what: string): AuthorityError {
    return new AuthorityError(
      `${what}: put it back from a backup; or move ${this.#path} away, for a new root that nobody trusts yet`,
    );
  }

  async #lock() {
    const giveUpAt = performance.now() + LOCK_WITHIN_MS;
    while (true) {
      const lock = tryLock(join(this.#path, LOCK));
      if (lock !== undefined) return lock;
      if (performance.now() > giveUpAt) throw new AuthorityError(`another process keeps ${this.#path} to itself: try again`);
      await delay(LOCK_AGAIN_MS);
    }
  }

  #rootPath(number: number): string {
    return join(this.#path, String(number));
  }

  /** What the file system refuses is said without a stack. */
  #explained(error: unknown): unknown {
    const { code, errcode, message } = error as { code?: string; errcode?: number; message?: string };
    const isRefused = errcode !== undefined || /^E[A-Z]+$/.test(code ?? "");
    return isRefused ? new AuthorityError(`cannot use ${this.#path}: ${message}`) : error;
  }
}
