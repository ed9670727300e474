import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { identityOf, spiffeId } from "../../runtime/spiffe.ts";
import { BadSettings } from "../bad-settings.ts";
import { grpcurlAs, pathFrom } from "../grpcurl.ts";
import { wantsColour } from "../log-view.ts";
import { registriesFrom } from "../registry-option.ts";
import { runCommand, type Surroundings } from "../run-command.ts";
import { certsDocument } from "./certs-document.ts";
import { certsText, moment } from "./certs-text.ts";
import { checkWritten, MeshAuthority } from "./mesh-authority.ts";
import { replaceRootAtOnce, rollRoot } from "./roll.ts";

export interface CertsOptions {
  /** The data folder of `bookmesh up`. */
  data: string;
}

export interface ShowOptions extends CertsOptions {
  json?: boolean;
}

export interface IssueOptions extends CertsOptions {
  out?: string;
  /** In milliseconds. */
  valid?: number;
}

export interface RollOptions extends CertsOptions {
  /** In milliseconds. */
  settle?: number;
  atOnce?: boolean;
}

/** `bookmesh certs show` @returns the exit status. */
export function showCerts({ data, json = false }: ShowOptions, surroundings: Surroundings): Promise<number> {
  const { env, stdout } = surroundings;
  return runCommand(surroundings, async () => {
    const now = new Date();
    const document = certsDocument(await new MeshAuthority(data).look(), now);
    const colour = wantsColour(env, stdout.isTTY === true);
    stdout.write(json ? `${JSON.stringify(document, undefined, 2)}\n` : certsText(document, { colour, now }));
  });
}

/** `bookmesh certs issue <name>` @returns the exit status. */
export function issueCerts(name: string, options: IssueOptions, surroundings: Surroundings): Promise<number> {
  const { env, stdout } = surroundings;
  return runCommand(surroundings, async () => {
    const [registry] = registriesFrom(options, env);
    const authority = new MeshAuthority(options.data);
    const folder = options.out === undefined ? authority.folderOf(name) : resolve(options.out);
    const { made, outcomes } = await authority.tend({ issue: [{ name, folder, validityMs: options.valid }] });
    const mine = outcomes.filter((outcome) => outcome.folder === folder);
    const [certificate] = checkWritten({ outcomes: mine }).outcomes.map((outcome) => outcome.certificate);
    const identity = certificate && identityOf(certificate);
    if (certificate === undefined || identity === undefined) throw new Error(`no certificate was issued to ${name}`);

    const renewal = options.out === undefined ? "`bookmesh up` renews it" : "nobody renews it: issue it again before that";
    stdout.write(
      [
        ...(made === undefined ? [] : ["A root certificate was made: only those trust it who get their credentials from here."]),
        `${spiffeId(identity)}, until ${moment(certificate.validToDate)}; ${renewal}.`,
        `ca.crt, tls.crt and tls.key (secret) are in ${pathFrom(process.cwd(), folder)}. To call somebody with them:`,
        "",
        `  ${grpcurlAs(folder)} ${registry} mesh.registry.v1.RegistryService/ListServices`,
        "",
      ].join("\n"),
    );
  });
}

/** `bookmesh certs renew [names]` @returns the exit status. */
export function renewCerts(names: readonly string[], { data }: CertsOptions, surroundings: Surroundings): Promise<number> {
  const { stdout } = surroundings;
  return runCommand(surroundings, async () => {
    const authority = new MeshAuthority(data);
    const known = (await authority.look()).leaves.map(({ name }) => name);
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      throw new BadSettings(unknown.map((name) => `${name} has no credentials: \`bookmesh certs issue ${name}\``).join("\n"));
    }
    const upkeep = await authority.tend({ issue: (names.length > 0 ? names : known).map((name) => ({ name })) });
    for (const { name, did, certificate } of upkeep.outcomes) {
      if (did === "issued" && certificate) stdout.write(`${name}: until ${moment(certificate.validToDate)}\n`);
    }
    if (upkeep.outcomes.length === 0) stdout.write("There are no credentials yet.\n");
    checkWritten(upkeep);
  });
}

/** `bookmesh certs roll` @returns the exit status. */
export function rollCerts({ data, settle, atOnce = false }: RollOptions, surroundings: Surroundings): Promise<number> {
  const { stdout, stderr, signal } = surroundings;
  return runCommand(surroundings, async () => {
    const authority = new MeshAuthority(data);
    const say = (line: string) => void stdout.write(`${line}\n`);
    if (atOnce) return await replaceRootAtOnce(authority, { say });
    const wait = async (ms: number) => void (await delay(ms, undefined, { signal }));
    await rollRoot(authority, { settleMs: settle, say, wait }).catch((error: unknown) => {
      if (signal.aborted)
        stderr.write("The roll is not over: `bookmesh up` goes on with it, and so does `bookmesh certs roll`.\n");
      throw error;
    });
  });
}
