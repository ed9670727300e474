import { Command } from "commander";
import { dataOption } from "../data-option.ts";
import { ownSurroundings } from "../run-command.ts";
import {
  type CertsOptions,
  type IssueOptions,
  issueCerts,
  type RollOptions,
  renewCerts,
  rollCerts,
  type ShowOptions,
  showCerts,
} from "./certs-actions.ts";
import { parseName, parseNames, parseSettle, parseValidity } from "./certs-arguments.ts";

/** `bookmesh certs`, with `show`, `issue`, `renew` and `roll`. */
export function certsCommand(): Command {
  const show = new Command("show")
    .description("Show who has a certificate, until when, and which roots are trusted (the default).")
    .option("--json", "one JSON document, for programs")
    .addHelpText("after", SHOW_HELP)
    .action(async (options: ShowOptions) => {
      process.exitCode = await showCerts(options, ownSurroundings());
    });
  const issue = new Command("issue")
    .description("Issue a certificate to a service, or to somebody who works on the mesh.")
    .argument("<name>", "the identity is spiffe://bookmesh.local/<name>", parseName)
    .option("--out <folder>", "where to write ca.crt, tls.crt and tls.key, instead of <data>/credentials/<name>")
    .option("--valid <time>", "how long it is good for: 90m, 24h, 7d (default: as long as the one before, or 24h)", parseValidity)
    .addHelpText("after", ISSUE_HELP)
    .action(async (name: string, options: IssueOptions) => {
      process.exitCode = await issueCerts(name, options, ownSurroundings());
    });
  const renew = new Command("renew")
    .description("Issue certificates again at once, with new keys.")
    .argument("[names...]", "whose; everybody's if none is given", parseNames)
    .addHelpText("after", RENEW_HELP)
    .action(async (names: string[], options: CertsOptions) => {
      process.exitCode = await renewCerts(names, options, ownSurroundings());
    });
  const roll = new Command("roll")
    .description("Replace the root certificate, without a call that fails.")
    .option("--settle <time>", "how long processes have to load the new root before it signs (default: 30s)", parseSettle)
    .option("--at-once", "for a root key that others have: trust the old root no more from now on, whatever fails")
    .addHelpText("after", ROLL_HELP)
    .action(async (options: RollOptions) => {
      process.exitCode = await rollCerts(options, ownSurroundings());
    });

  const certs = new Command("certs")
    .description("Show, issue and renew the certificates of the mesh, and roll its root.")
    .addHelpText("after", HELP);
  for (const command of [show, issue, renew, roll]) {
    certs.addCommand(command.addOption(dataOption()).addHelpText("after", STATUS), { isDefault: command === show });
  }
  return certs;
}

const HELP = `
Examples:
  bookmesh certs                   who has a certificate, and until when
  bookmesh certs issue operator    to call with it, by grpcurl for one
  bookmesh certs renew             everybody's, at once
  bookmesh certs roll              the root itself
  bookmesh certs issue --help      more about one of them

The authority of a mesh is <data>/authority, and what it has issued is <data>/credentials/<name>. "bookmesh up" makes both
on the first start, and renews each certificate at half of its life.`;

const SHOW_HELP = `
Examples:
  bookmesh certs
  bookmesh certs show --json | jq '.credentials[] | {name, notAfter, state}'

A certificate is "good", then "due" from half of its life on: "bookmesh up" renews it then.`;

const ISSUE_HELP = `
Examples:
  bookmesh certs issue operator                             the identity that commands call with
  bookmesh certs issue alice --valid 8h --out ~/bookmesh    for somebody else, to be handed over
What is written to the data folder is renewed by "bookmesh up". What --out names is not.
The folder is written in one step: a process that reads it needs no restart.`;

const RENEW_HELP = `
Examples:
  bookmesh certs renew                 everybody's
  bookmesh certs renew orders push
Processes load the new files within a second. An old certificate is good until it expires: where others have its key,
see "bookmesh certs roll --at-once".`;

const ROLL_HELP = `
Examples:
  bookmesh certs roll
  bookmesh certs roll --at-once
First everybody trusts the new root beside the old one; then it issues every certificate anew, and the key of the old one
is deleted; and when the last certificate of the old root has expired nobody trusts that any more. The command waits for
the second step. If it is stopped before, "bookmesh up" goes on, or this command when it is run again.`;

const STATUS = "\nExit status: 0 done, 64 bad usage, 74 certificates cannot be read or written.";
