import { registerDelivery } from "./deliver.ts";

registerDelivery("crm", "one");
