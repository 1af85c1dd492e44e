import { CausewayError } from "../../functions/src/platform/causeway-error.ts";

/** What the operator API said no with; its codes are the API's own. */
export class ApiRefusal extends CausewayError {
  readonly status: number;
  readonly fix: string;

  constructor(status: number, code: string, message: string, fix: string) {
    super(code, message, { fate: status >= 500 ? "transient" : "permanent", ids: { status } });
    this.name = "ApiRefusal";
    this.status = status;
    this.fix = fix;
  }
}
