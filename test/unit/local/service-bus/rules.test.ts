import { describe, expect, it } from "@jest/globals";

import { FilterView } from "../../../../local/service-bus/filter-view.ts";
import {
  toRawFromInProcess,
  type InProcessMessage,
} from "../../../../local/service-bus/in-process-message.ts";
import { matchesSql } from "../../../../local/service-bus/sql-evaluator.ts";
import { parseSqlAction, parseSqlFilter } from "../../../../local/service-bus/sql-parser.ts";
import { createTestBroker } from "./broker-harness.ts";

const order: InProcessMessage = {
  messageId: "m1",
  body: "",
  subject: "order",
  correlationId: "c1",
  applicationProperties: {
    Amount: 100,
    rate: 0.5,
    company: "usmf",
    urgent: true,
    "odd name": "x",
    text: "50% off_now",
  },
};

function matches(expression: string): boolean {
  return matchesSql(parseSqlFilter(expression), new FilterView(toRawFromInProcess(order)));
}

describe("a SQL filter lets a message through", () => {
  it.each([
    "1=1",
    "amount = 100 AND company = 'usmf'",
    "Amount > 99.5 and amount <= 100",
    "NOT amount = 1 OR missing = 1",
    "sys.Label = 'order' AND sys.MessageId <> 'm2'",
    "user.company IN ('gbsi', 'usmf')",
    "company NOT IN ('gbsi')",
    "company LIKE 'us%' AND company LIKE '_smf'",
    "text LIKE '50!% off!_now' ESCAPE '!'",
    "company NOT LIKE 'x%'",
    "missing IS NULL AND company IS NOT NULL",
    "EXISTS(rate) AND NOT EXISTS(missing)",
    "[odd name] = 'x' AND \"odd name\" = 'x'",
    "urgent = TRUE",
    "urgent",
    "amount * 2 - 50 = 150 AND -amount < 0 AND amount % 30 = 10",
    "amount / 30 = 3",
    "property(amount) = 100 AND p(company) = 'usmf'",
    "company + '!' = 'usmf!'",
    "newid() LIKE '________-%'",
    "(missing = 1 OR urgent) AND company != 'it''s'",
  ])("for %s", (expression) => {
    expect(matches(expression)).toBe(true);
  });
});

describe("a SQL filter keeps a message out", () => {
  it.each([
    "missing = 1",
    "missing <> 1",
    "NOT missing = 1",
    "missing IN (1, 2)",
    "company NOT IN ('gbsi', missing)",
    "missing LIKE '%'",
    "company = 'USMF'",
    "company = 1",
    "amount > 'a'",
    "sys.To = 'x'",
    "urgent AND missing = 1",
  ])("for %s", (expression) => {
    expect(matches(expression)).toBe(false);
  });

  it.each(["sys.Nothing = 1", "amount", "amount / 0 = 1", "company * 2 = 1"])(
    "by failing, for %s",
    (expression) => {
      expect(() => matches(expression)).toThrow(
        expect.objectContaining({ name: "FilterException" }),
      );
    },
  );
});

describe("a wrong expression", () => {
  it.each([
    ["a = ", 'The expression "a = " has an unexpected end at position 4.'],
    ["a == 1", "The expression \"a == 1\" has an unexpected '=' at position 3."],
    ["other.a = 1", 'The expression "other.a = 1" has the unknown scope other at position 0.'],
    ["abs(a) = 1", 'The expression "abs(a) = 1" has the unknown function abs at position 0.'],
    ["a = 'x", 'The expression "a = \'x" has an unknown character at position 4.'],
  ])("names what is wrong and where: %s", (expression, message) => {
    expect(() => parseSqlFilter(expression)).toThrow(message);
  });

  it("is refused as an action too", () => {
    expect(() => parseSqlAction("SET a = 1; DROP b")).toThrow(/unexpected 'DROP' at position 11/);
  });
});

describe("a subscription's rules", () => {
  const bodyless = { body: "" };

  it("let everything through at first and a correlation filter's matches after it is replaced", () => {
    const { broker } = createTestBroker();
    broker.createTopic("t");
    broker.createSubscription("t", "ce");
    broker.send("t", bodyless);
    broker.setRule("t", "ce", "$Default", {
      filterType: "CorrelationFilter",
      correlationFilter: { label: "order", properties: { to_ce: "1" } },
    });
    broker.send("t", { ...bodyless, applicationProperties: { to_ce: "1" } });
    broker.send("t", { ...bodyless, subject: "order", applicationProperties: { to_ce: 1 } });
    broker.send("t", { ...bodyless, subject: "order", applicationProperties: { to_ce: "1" } });
    expect(broker.counts("t/subscriptions/ce").active).toBe(2);
  });

  it("give one copy for all rules without an action, and one for each with its action", () => {
    const { broker } = createTestBroker();
    broker.createTopic("t");
    broker.createSubscription("t", "s");
    broker.setRule("t", "s", "any", {
      filterType: "SqlFilter",
      sqlFilter: { sqlExpression: "a > 0" },
    });
    broker.setRule("t", "s", "marks", {
      filterType: "SqlFilter",
      sqlFilter: { sqlExpression: "a = 1" },
      action: { sqlExpression: "SET A = a + 1; SET sys.Label = 'done'; REMOVE b" },
    });
    broker.send("t", { messageId: "m", body: "x", applicationProperties: { a: 1, b: 2 } });
    const copies = broker.peek("t/subscriptions/s", 10);
    expect(copies.map((copy) => [copy.subject, copy.applicationProperties])).toEqual([
      ["done", { a: 2, RuleName: "marks" }],
      [undefined, { a: 1, b: 2 }],
    ]);
    expect(copies.map((copy) => copy.body.toString())).toEqual(["x", "x"]);
  });

  it("dead-letter a message on which a filter fails", () => {
    const { broker } = createTestBroker();
    broker.createTopic("t");
    broker.createSubscription("t", "s");
    broker.createSubscription("t", "lenient", { deadLetteringOnFilterEvaluationExceptions: false });
    for (const name of ["s", "lenient"]) {
      broker.setRule("t", name, "$Default", { sqlFilter: { sqlExpression: "sys.Nothing = 1" } });
    }
    broker.send("t", bodyless);
    const [letter] = broker.peek("t/subscriptions/s/$DeadLetterQueue", 1);
    expect(letter?.applicationProperties["DeadLetterReason"]).toBe("FilterException");
    expect(broker.counts("t/subscriptions/lenient")).toMatchObject({ active: 0, deadLetter: 0 });
  });

  it("must be known and compare something", () => {
    const { broker } = createTestBroker();
    broker.createTopic("t");
    broker.createSubscription("t", "s");
    const empty = { filterType: "CorrelationFilter", correlationFilter: {} } as const;
    expect(() => broker.setRule("t", "s", "r", empty)).toThrow(
      "Rule r: correlationFilter compares nothing.",
    );
    const misspelt: object = { correlationFilter: { lable: "x" } };
    expect(() => broker.setRule("t", "s", "r", misspelt)).toThrow("Rule r: unknown lable.");
  });
});

describe("a topic", () => {
  it("keeps scheduled messages itself and publishes them by the rules of that time", async () => {
    const { broker, clock } = createTestBroker();
    broker.createTopic("t");
    broker.send("t", { body: "", scheduledAtMs: clock.now() + 1000 });
    broker.createSubscription("t", "late");
    expect(broker.counts("t").scheduled).toBe(1);
    await clock.advance(1000);
    expect(broker.counts("t/subscriptions/late").active).toBe(1);
    expect(broker.counts("t").scheduled).toBe(0);
  });

  it("detects duplicates once for all subscriptions", () => {
    const { broker } = createTestBroker();
    broker.createTopic("t", { requiresDuplicateDetection: true });
    broker.createSubscription("t", "a");
    broker.createSubscription("t", "b");
    broker.send("t", { messageId: "m", body: "" });
    broker.send("t", { messageId: "m", body: "" });
    expect(broker.counts("t/subscriptions/a").active).toBe(1);
    expect(broker.counts("t/subscriptions/b").active).toBe(1);
  });
});
