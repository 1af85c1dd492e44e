import { app } from "@azure/functions";
import { getApp } from "../compose.ts";
import { countPosted } from "../recovery/verify/count-posted.ts";

// Ten minutes after the grace for late events has ended.
app.timer("count-posted", {
  schedule: "0 40 * * * *",
  handler: async () => {
    const { count } = await getApp();
    await countPosted(count);
  },
});
