import type { ActionHandler } from "../action-call.ts";
import { runConnector } from "./connector-action.ts";
import { runIf, runScope, runSwitch } from "./control-actions.ts";
import {
  runCompose,
  runJoin,
  runParseJson,
  runQuery,
  runSelect,
  runTable,
} from "./data-actions.ts";
import { runResponse, runTerminate, runWait } from "./flow-actions.ts";
import { runHttp } from "./http-action.ts";
import { runForeach, runUntil } from "./loop-actions.ts";
import {
  runAppendToArray,
  runAppendToString,
  runDecrement,
  runIncrement,
  runInitialize,
  runSet,
} from "./variable-actions.ts";

const handlers: Readonly<Record<string, ActionHandler>> = {
  ApiConnection: runConnector,
  AppendToArrayVariable: runAppendToArray,
  AppendToStringVariable: runAppendToString,
  Compose: runCompose,
  DecrementVariable: runDecrement,
  Foreach: runForeach,
  Http: runHttp,
  If: runIf,
  IncrementVariable: runIncrement,
  InitializeVariable: runInitialize,
  Join: runJoin,
  ParseJson: runParseJson,
  Query: runQuery,
  Response: runResponse,
  Scope: runScope,
  Select: runSelect,
  SetVariable: runSet,
  Switch: runSwitch,
  Table: runTable,
  Terminate: runTerminate,
  Until: runUntil,
  Wait: runWait,
};

/** What runs an action, by its type in lower case. */
export const actionTable: ReadonlyMap<string, ActionHandler> = new Map(
  Object.entries(handlers).map(([type, handler]) => [type.toLowerCase(), handler]),
);
