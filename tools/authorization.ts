// `npm run docs:authorization`: writes docs/authorization.md, the table of who may call what, from the contracts.
import { writeFileSync } from "node:fs";
import { authorizationDocument, meshContracts, meshIdentities } from "./authorization-document.ts";

writeFileSync(new URL("../docs/authorization.md", import.meta.url), authorizationDocument(meshContracts, meshIdentities));
