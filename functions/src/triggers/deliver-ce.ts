import { registerDelivery } from "./deliver.ts";

// Many rows go into one request.
registerDelivery("ce", "many");
