import { type Candidate, chooseEndpoints } from "./endpoints.ts";

const healthy: Candidate = { health: "healthy", everHealthy: true, asked: true };
const unhealthyNow: Candidate = { health: "unhealthy", everHealthy: true, asked: true };
const goneNow: Candidate = { health: "unavailable", everHealthy: true, asked: true };
const neverWell: Candidate = { health: "unavailable", everHealthy: false, asked: true };
const notAsked: Candidate = { health: "unknown", everHealthy: false, asked: false };

test.each<[string, Candidate[], Candidate[], boolean]>([
  ["nothing, where there is nothing", [], [], false],
  ["those that are well", [healthy, unhealthyNow, goneNow, neverWell, notAsked], [healthy], false],
  ["all that were ever well, if none is", [unhealthyNow, goneNow, neverWell, notAsked], [unhealthyNow, goneNow], true],
  ["all that were asked, if none ever was well", [neverWell, notAsked], [neverWell], true],
  ["nothing, if none was asked yet", [notAsked], [], false],
])("calls go to %s", (_what, candidates, chosen, panic) => {
  expect(chooseEndpoints(candidates)).toEqual({ chosen, panic });
});
