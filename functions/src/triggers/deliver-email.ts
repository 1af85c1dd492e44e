import { registerDelivery } from "./deliver.ts";

registerDelivery("email", "one");
