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
import type { FunctionApp } from "./load-function-app.ts";
import { openServiceBusClient } from "./open-service-bus-client.ts";
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
  const clients = await openClients(bound, options);
  const listeners = bound.map(({ name, binding }) => {
    const client = clients.get(connectionOf(binding));
    if (client === undefined) throw new Error(`No client was opened for ${name}`);
    const isBatch = binding["cardinality"] === "many";
    const receiver = openReceiver(client, binding, isBatch, options);
    const listener = { name, binding, receiver, ...options };
    return isBatch ? startBatchDispatch(listener) : startSingleDispatch(listener);
  });
  return {
    close: async () => {
      await Promise.all(listeners.map((listener) => listener.close()));
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

/** One client per connection name, however many functions use it. */
async function openClients(
  bound: readonly { readonly binding: RpcBinding }[],
  { settings }: ServiceBusOptions,
): Promise<ReadonlyMap<string, ServiceBusClient>> {
  const clients = new Map<string, ServiceBusClient>();
  for (const name of new Set(bound.map(({ binding }) => connectionOf(binding)))) {
    clients.set(name, await openServiceBusClient(resolveServiceBusConnection(name, settings)));
  }
  return clients;
}

function connectionOf(binding: RpcBinding): string {
  const { connection } = binding;
  return typeof connection === "string" && connection !== "" ? connection : "ServiceBus";
}

interface Listener extends ServiceBusOptions {
  readonly name: string;
  readonly binding: RpcBinding;
  readonly receiver: ServiceBusReceiver;
}

function openReceiver(
  client: ServiceBusClient,
  binding: RpcBinding,
  isBatch: boolean,
  { settings, host }: ServiceBusOptions,
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

function startSingleDispatch(listener: Listener): Running {
  const { name, binding, receiver, app, host, log } = listener;
  const inWork = new Set<Promise<void>>();
  const subscription = subscribe(listener, host.maxConcurrentCalls, (message) => {
    const { input, triggerMetadata } = toSingleTrigger(message);
    const request = { inputs: [{ name: binding.name, data: input }], triggerMetadata };
    const work = run({ name, app, log, request }).then((isDone) =>
      settle({ name, receiver, log, messages: [message], isDone }),
    );
    inWork.add(work);
    return work.finally(() => inWork.delete(work));
  });
  return {
    close: async () => {
      await subscription.close();
      await Promise.all(inWork);
      await receiver.close();
    },
  };
}

/**
 * One batch at a time. Not by the client's `receiveMessages`: what it asked for and did not get it takes back, and
 * closes its link when that is not answered in 200 ms. Settling then costs a request per message.
 */
function startBatchDispatch(listener: Listener): Running {
  const { name, binding, receiver, app, host, log } = listener;
  const gathering = gatherBatches<Received>({
    maxSize: host.maxMessageBatchSize,
    minSize: host.minMessageBatchSize,
    maxWaitMs: host.maxBatchWaitMs,
    work: (received) => {
      const kept = keepLocked(receiver, received, Date.now());
      const ran = kept.then((messages) => {
        const gone = received.length - messages.length;
        if (gone > 0) log(`Functions.${name}: ${gone} messages had lost their locks`);
        if (messages.length === 0) return true;
        const { input, triggerMetadata } = toBatchTrigger(messages);
        const request = { inputs: [{ name: binding.name, data: input }], triggerMetadata };
        return run({ name, app, log, request });
      });
      const settled = Promise.all([kept, ran]).then(([messages, isDone]) =>
        settle({ name, receiver, log, messages, isDone }),
      );
      return { ran, settled };
    },
  });
  const atOnce = Math.min(host.maxMessageBatchSize, MOST_UNSETTLED);
  const subscription = subscribe(listener, atOnce, (message) =>
    gathering.add({ message, at: Date.now() }),
  );
  return {
    close: async () => {
      await subscription.close();
      await gathering.close();
      await receiver.close();
    },
  };
}

/** The client's buffer of unsettled messages holds one more. */
const MOST_UNSETTLED = 2047;

function subscribe(
  { name, receiver, log }: Listener,
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
