// The other half of what `simulate.test.ts` plays, beside it.
import { scenarios } from "./scenarios/index.ts";
import { testBounded } from "./testing/bounded-campaign.ts";

testBounded(
  "F1, F2, F3, F4: whatever happens at some points of $name, it comes to the same end, with nothing double, orphaned or lost",
  scenarios.filter((_, index) => index % 2 === 1),
);
