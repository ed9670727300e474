import { gzipSync } from "node:zlib";
import { frame } from "../support/raw-call.ts";
import { bodyCases } from "./body-cases.ts";
import type { FuzzCase } from "./case.ts";
import { failuresOf } from "./failures.ts";
import { fieldMutations, type Mutation } from "./field-mutations.ts";
import { headerCases } from "./header-cases.ts";
import { messageMutations } from "./message-mutations.ts";
import { validRequest, variantsOf } from "./message-tree.ts";
import type { FuzzMethod } from "./methods.ts";
import type { Random } from "./random.ts";
import { allFields } from "./wire.ts";

/** How much is tried. */
export interface Effort {
  /** Of each kind of case and each field. */
  readonly perGroup: number;
  /** Kinds and fields of each variant of a request. */
  readonly groups: number;
  /** Whether text that is none is tried in every string field. The default is true. */
  readonly texts?: boolean;
}

/** Malformed and hostile requests of one method, of each kind and for each field of its contract. */
export function* casesOf(
  method: FuzzMethod,
  { perGroup, groups: most, texts = true }: Effort,
  random: Random,
): Generator<FuzzCase> {
  yield* failuresOf(method);
  const requests = [...headerCases(method, random), ...bodyCases(method, random)];
  yield* random.sample(requests, most * perGroup);
  const variants = variantsOf(method.input);
  const known = new Set<string>();
  for (let variant = 0; variant < variants; variant++) {
    const request = validRequest(method.input, { registry: method.registry, random, variant });
    const whole = messageMutations(method.input, request, random);
    // Most fields are the same in every variant.
    const fields = allFields(request).filter(({ path }) => !known.has(path));
    for (const { path } of fields) known.add(path);
    const groups = fields.flatMap((field) => fieldMutations(request, field, random));
    const others = groups.filter((group) => !isAboutText(group));
    for (const group of [...(texts ? groups.filter(isAboutText) : []), ...random.sample([...whole, ...others], most)]) {
      for (const mutation of random.sample(group, perGroup)) yield caseOf(method, mutation, random);
    }
  }
}

function isAboutText([first]: readonly Mutation[]): boolean {
  return first?.kind === "invalid UTF-8";
}

function caseOf(method: FuzzMethod, { kind, about, breaks, text, bytes }: Mutation, random: Random): FuzzCase {
  const message = bytes();
  const compressed = random.below(8) === 0;
  return {
    ...{ kind, about: compressed ? `${about}, compressed` : about, method, message, breaks, text },
    body: compressed ? frame(gzipSync(message, { level: 1 }), 1) : frame(message),
    ...(compressed && { headers: { "grpc-encoding": "gzip" } }),
  };
}
