import { describe, expect, it } from "@jest/globals";
import { matchRoute } from "../../../../local/functions-host/match-route.ts";

describe("a route template", () => {
  it.each([
    ["/api/business-events", "/API/Business-Events/", {}],
    ["/api/a/{id}", "/api/a/x%2Fy", { id: "x/y" }],
    ["/api/a/{id?}", "/api/a", {}],
    ["/api/{*rest}", "/api/a/b", { rest: "a/b" }],
    ["/api/a/{id:int}", "/api/a/7", { id: "7" }],
  ])("%s matches %s", (template, path, params) => {
    expect(matchRoute(template, path)).toEqual(params);
  });

  it.each([
    ["/api/a", "/api/a/b"],
    ["/api/a/{id}", "/api/a"],
    ["/api/a/{id:int}", "/api/a/x"],
  ])("%s does not match %s", (template, path) => {
    expect(matchRoute(template, path)).toBeUndefined();
  });
});
