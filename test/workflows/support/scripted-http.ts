import type {
  WorkflowHttpRequest,
  WorkflowHttpResponse,
} from "../../../local/logic-apps/run-ports.ts";

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

type Answering =
  ScriptedAnswer | "neverAnswers" | ((request: WorkflowHttpRequest) => ScriptedAnswer);

export interface ScriptedHttp {
  readonly http: (request: WorkflowHttpRequest) => Promise<WorkflowHttpResponse>;
  readonly requests: readonly WorkflowHttpRequest[];
}

/** Answers by `METHOD path-prefix`, as the systems of a workflow would; JSON goes as text, as on the wire. */
export function scriptHttp(script: Readonly<Record<string, Answering>>): ScriptedHttp {
  const requests: WorkflowHttpRequest[] = [];
  return {
    requests,
    http: (request) => {
      requests.push(request);
      const place = `${request.method} ${new URL(request.uri).pathname}`;
      const key = Object.keys(script)
        .filter((prefix) => place.startsWith(prefix))
        .sort((left, right) => right.length - left.length)[0];
      const answering = key === undefined ? undefined : script[key];
      if (answering === undefined) return Promise.reject(new Error(`nothing answers ${place}`));
      if (answering === "neverAnswers") return new Promise(() => undefined);
      const answer = typeof answering === "function" ? answering(request) : answering;
      return Promise.resolve({
        statusCode: answer.status,
        headers: { "content-type": "application/json", ...answer.headers },
        ...(answer.body === undefined ? {} : { body: JSON.stringify(answer.body) }),
      });
    },
  };
}

/** A request's body as the data that it carries. */
export function sentJson(request: WorkflowHttpRequest | undefined): unknown {
  return typeof request?.body === "string" ? JSON.parse(request.body) : undefined;
}
