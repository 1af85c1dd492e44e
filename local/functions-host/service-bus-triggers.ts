/**
 * Receives for every serviceBusTrigger of an app and settles as the genuine host does: success completes,
 * failure abandons at once; a failed batch abandons all of its messages.
 */
import type {
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
} from "@azure/service-bus";
import type { Running } from "../cloud.ts";
import { describeFailure } from "./describe-failure.ts";
import { gatherBatches } from "./gather-batches.ts";
import type { ServiceBusHostSettings } from "./host-json.ts";
import { keepLocked, type Received } from "./keep-locked.ts";
import { keepConnected } from "./lasting-connection.ts";
import type { FunctionApp } from "./load-function-app.ts";
import { loadServiceBusClients } from "./open-service-bus-client.ts";
import { resolveServiceBusConnection, resolveSettings } from "./resolve-settings.ts";
import type { RpcBinding, RpcInvocationRequest } from "./rpc-types.ts";
import { toBatchTrigger, toSingleTrigger } from "./service-bus-data.ts";

interface ServiceBusOptions {
  readonly app: FunctionApp;
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly host: ServiceBusHostSettings;
  readonly log: (line: string) => void;
}

export async function startServiceBusTriggers(options: ServiceBusOptions): Promise<Running> {
  const bound = options.app.functions.flatMap(({ name, bindings }) => {
    const binding = Object.values(bindings).find(({ type }) => type === "serviceBusTrigger");
    return binding === undefined ? [] : [{ name, binding }];
  });
  const listeners = bound.map((one) => ({
    connection: connectionOf(one.binding),
    ...createListener({ ...one, ...options }),
  }));
  const { settings, log } = options;
  // One client per connection name, however many functions use it.
  const connections = await Promise.all(
    [...new Set(listeners.map(({ connection }) => connection))].map(async (name) => {
      const open = await loadServiceBusClients(resolveServiceBusConnection(name, settings));
      const mine = listeners.filter(({ connection }) => connection === name);
      const attach = (client: ServiceBusClient): void => mine.forEach((one) => one.attach(client));
      return keepConnected({ open, attach, log });
    }),
  );
  return {
    close: async () => {
      await Promise.all(listeners.map((listener) => listener.close()));
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

function connectionOf(binding: RpcBinding): string {
  const { connection } = binding;
  return typeof connection === "string" && connection !== "" ? connection : "ServiceBus";
}

interface Binding extends ServiceBusOptions {
  readonly name: string;
  readonly binding: RpcBinding;
}

interface Listener extends Running {
  /** Receives over this client from now on, and settles over it what came before. */
  attach(client: ServiceBusClient): void;
}

interface Dispatch {
  /** Messages that are worked on at once. */
  readonly atOnce: number;
  readonly onMessage: (message: ServiceBusReceivedMessage) => Promise<void>;
  /** After the last message came: ends when all are settled. */
  readonly finish: () => Promise<void>;
}

function createListener(bound: Binding): Listener {
  const isBatch = bound.binding["cardinality"] === "many";
  let receiver: ServiceBusReceiver | undefined;
  let subscription: Running | undefined;
  let isClosing = false;
  const current = (): ServiceBusReceiver => {
    if (receiver === undefined) throw new Error(`${bound.name} was never attached`);
    return receiver;
  };
  const { atOnce, onMessage, finish } = isBatch
    ? dispatchBatches(bound, current)
    : dispatchSingly(bound, current);
  return {
    attach: (client) => {
      receiver = openReceiver(client, isBatch, bound);
      // What is under way is still settled over it, and nothing more received.
      if (!isClosing) subscription = subscribe(bound, receiver, atOnce, onMessage);
    },
    close: async () => {
      isClosing = true;
      await subscription?.close();
      await finish();
      await receiver?.close();
    },
  };
}

function openReceiver(
  client: ServiceBusClient,
  isBatch: boolean,
  { binding, settings, host }: Binding,
): ServiceBusReceiver {
  const text = (name: string): string => resolveSettings(String(binding[name]), settings);
  const options = {
    // The host hands the body over as the text that was sent.
    skipParsingBodyAsJson: true,
    maxAutoLockRenewalDurationInMs: isBatch ? 0 : host.maxAutoLockRenewalMs,
  };
  return binding["queueName"] === undefined
    ? client.createReceiver(text("topicName"), text("subscriptionName"), options)
    : client.createReceiver(text("queueName"), options);
}

function dispatchSingly(bound: Binding, receiver: () => ServiceBusReceiver): Dispatch {
  const { name, binding, app, host, log } = bound;
  const inWork = new Set<Promise<void>>();
  return {
    atOnce: host.maxConcurrentCalls,
    onMessage: (message) => {
      const { input, triggerMetadata } = toSingleTrigger(message);
      const request = { inputs: [{ name: binding.name, data: input }], triggerMetadata };
      const work = run({ name, app, log, request }).then((isDone) =>
        settle({ name, receiver: receiver(), log, messages: [message], isDone }),
      );
      inWork.add(work);
      return work.finally(() => inWork.delete(work));
    },
    finish: async () => {
      await Promise.all(inWork);
    },
  };
}

/**
 * One batch at a time. Not by the client's `receiveMessages`: what it asked for and did not get it takes back, and
 * closes its link when that is not answered in 200 ms. Settling then costs a request per message.
 */
function dispatchBatches(bound: Binding, receiver: () => ServiceBusReceiver): Dispatch {
  const { name, binding, app, host, log } = bound;
  const gathering = gatherBatches<Received>({
    maxSize: host.maxMessageBatchSize,
    minSize: host.minMessageBatchSize,
    maxWaitMs: host.maxBatchWaitMs,
    work: (received) => {
      const kept = keepLocked(receiver(), received, Date.now());
      const ran = kept.then((messages) => {
        const gone = received.length - messages.length;
        if (gone > 0) log(`Functions.${name}: ${gone} messages had lost their locks`);
        if (messages.length === 0) return true;
        const { input, triggerMetadata } = toBatchTrigger(messages);
        const request = { inputs: [{ name: binding.name, data: input }], triggerMetadata };
        return run({ name, app, log, request });
      });
      const settled = Promise.all([kept, ran]).then(([messages, isDone]) =>
        settle({ name, receiver: receiver(), log, messages, isDone }),
      );
      return { ran, settled };
    },
  });
  return {
    atOnce: Math.min(host.maxMessageBatchSize, MOST_UNSETTLED),
    onMessage: (message) => gathering.add({ message, at: Date.now() }),
    finish: () => gathering.close(),
  };
}

/** The client's buffer of unsettled messages holds one more. */
const MOST_UNSETTLED = 2047;

function subscribe(
  { name, log }: Binding,
  receiver: ServiceBusReceiver,
  maxConcurrentCalls: number,
  processMessage: (message: ServiceBusReceivedMessage) => Promise<void>,
): Running {
  return receiver.subscribe(
    {
      processMessage,
      processError: ({ error }) => {
        log(`Functions.${name}: receiving failed: ${describeFailure(error)}`);
        return Promise.resolve();
      },
    },
    { maxConcurrentCalls, autoCompleteMessages: false },
  );
}

interface Invocation {
  readonly name: string;
  readonly app: FunctionApp;
  readonly log: (line: string) => void;
  readonly request: RpcInvocationRequest;
}

/** False when the function failed. */
async function run({ name, app, log, request }: Invocation): Promise<boolean> {
  try {
    await app.invoke(name, request);
    return true;
  } catch (error) {
    log(`Executed 'Functions.${name}' (Failed): ${describeFailure(error)}`);
    return false;
  }
}

interface Settlement {
  readonly name: string;
  readonly receiver: ServiceBusReceiver;
  readonly log: (line: string) => void;
  readonly messages: readonly ServiceBusReceivedMessage[];
  readonly isDone: boolean;
}

async function settle({ name, receiver, log, messages, isDone }: Settlement): Promise<void> {
  const settled = await Promise.allSettled(
    messages.map((message) =>
      isDone ? receiver.completeMessage(message) : receiver.abandonMessage(message),
    ),
  );
  const lost = settled.filter((result) => result.status === "rejected");
  if (lost.length > 0) {
    // Its lock ran out: Service Bus delivers it again, there is nothing to undo here.
    log(`Functions.${name}: ${lost.length} of ${messages.length} messages could not be settled`);
  }
}
