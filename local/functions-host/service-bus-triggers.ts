/**
 * Receives for every serviceBusTrigger of an app and settles as the genuine host does: success completes,
 * failure abandons at once; a failed batch abandons all of its messages.
 */
import type {
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
} from "@azure/service-bus";
import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "../cloud.ts";
import { describeFailure } from "./describe-failure.ts";
import type { ServiceBusHostSettings } from "./host-json.ts";
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

/**
 * How long a receive waits for a first message; it is then simply asked again. Short, since the client
 * sometimes does not notice that its connection was cut and waits for the whole of it.
 */
const FIRST_MESSAGE_WAIT_MS = 10_000;
/** After the first message: what is there comes in this time, without making it wait. */
const GATHER_MS = 10;
/** Pause after a receive that failed, so that a namespace that is away is not stormed. */
const RECEIVE_ERROR_PAUSE_MS = 1000;

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
    return isBatch ? startBatchLoop(listener) : startSingleDispatch(listener);
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
  const subscription = receiver.subscribe(
    {
      processMessage: (message) => {
        const { input, triggerMetadata } = toSingleTrigger(message);
        const request = { inputs: [{ name: binding.name, data: input }], triggerMetadata };
        const work = runAndSettle({ name, app, receiver, log, request, messages: [message] });
        inWork.add(work);
        return work.finally(() => inWork.delete(work));
      },
      processError: ({ error }) => {
        log(`Functions.${name}: receiving failed: ${describeFailure(error)}`);
        return Promise.resolve();
      },
    },
    { maxConcurrentCalls: host.maxConcurrentCalls, autoCompleteMessages: false },
  );
  return {
    close: async () => {
      await subscription.close();
      await Promise.all(inWork);
      await receiver.close();
    },
  };
}

/** receiving → running → settling → receiving: one batch at a time, and nothing is locked in between. */
function startBatchLoop(listener: Listener): Running {
  const { name, binding, receiver, app, log } = listener;
  const closing = new AbortController();
  const isClosing = (): boolean => closing.signal.aborted;
  const loop = async (): Promise<void> => {
    while (!isClosing()) {
      try {
        const messages = await receiveBatch(listener, closing.signal);
        if (messages.length === 0) continue;
        const { input, triggerMetadata } = toBatchTrigger(messages);
        const request = { inputs: [{ name: binding.name, data: input }], triggerMetadata };
        await runAndSettle({ name, app, receiver, log, request, messages });
      } catch (error) {
        if (isClosing()) return;
        log(`Functions.${name}: receiving failed: ${describeFailure(error)}`);
        await pause(RECEIVE_ERROR_PAUSE_MS, closing.signal);
      }
    }
  };
  const done = loop();
  return {
    close: async () => {
      closing.abort();
      await done;
      await receiver.close();
    },
  };
}

/**
 * Takes what is there. The SDK would wait a second after a first message for more; asking for one and
 * then for the rest with a short wait does not.
 */
async function receiveBatch(
  listener: Listener,
  abortSignal: AbortSignal,
): Promise<ServiceBusReceivedMessage[]> {
  const { receiver, host, name, log } = listener;
  const messages = await receiver.receiveMessages(1, {
    maxWaitTimeInMs: FIRST_MESSAGE_WAIT_MS,
    abortSignal,
  });
  if (messages.length === 0 || abortSignal.aborted) return messages;
  const deadline = Date.now() + (host.minMessageBatchSize > 1 ? host.maxBatchWaitMs : 0);
  try {
    do {
      const left = host.maxMessageBatchSize - messages.length;
      if (left <= 0) break;
      const maxWaitTimeInMs = Math.max(GATHER_MS, deadline - Date.now());
      messages.push(...(await receiver.receiveMessages(left, { maxWaitTimeInMs })));
    } while (messages.length < host.minMessageBatchSize && Date.now() < deadline);
  } catch (error) {
    // What was received is locked to us: leaving it would hold it back until its lock runs out.
    log(`Functions.${name}: receiving more failed: ${describeFailure(error)}`);
  }
  return messages;
}

interface Work {
  readonly name: string;
  readonly app: FunctionApp;
  readonly receiver: ServiceBusReceiver;
  readonly log: (line: string) => void;
  readonly request: RpcInvocationRequest;
  readonly messages: readonly ServiceBusReceivedMessage[];
}

async function runAndSettle(work: Work): Promise<void> {
  const { name, app, receiver, log, request, messages } = work;
  let isDone = false;
  try {
    await app.invoke(name, request);
    isDone = true;
  } catch (error) {
    log(`Executed 'Functions.${name}' (Failed): ${describeFailure(error)}`);
  }
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

/** Ends early, without a word, when the host closes. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}
